# Case-mix adjustment by lm() and loops, Fay-Herriot by optimize() and matrices.
# Rscript adjustment.R: writes the people and what R finds into adjustment/
set.seed(42)
here <- "adjustment"
p <- 7; n <- c(12, 30, 25, 8, 40, 15, 20)
unit <- rep(paste0("u", 1:p), n)
age <- round(rnorm(sum(n), 45 + rep(1:p, n), 12)); poor <- rbinom(sum(n), 1, 0.3 + 0.05 * rep(1:p, n))
lift <- rep(rnorm(p, 0, 6), n)
q1 <- round(60 + lift + 0.3 * age - 8 * poor + rnorm(sum(n), 0, 10), 2)
q2 <- round(50 + lift + 0.5 * age - 3 * poor + rnorm(sum(n), 0, 14), 2)
q2[sample(sum(n), 15)] <- NA; q1[sample(sum(n), 5)] <- NA; age[sample(sum(n), 9)] <- NA
w <- round(runif(sum(n), 0.5, 3), 2)
people <- data.frame(unit, age, poor, q1, q2, w)
write.csv(people, file.path(here, "people.csv"), row.names = FALSE, na = "")

casemix <- function(d, weights) {
  d$w <- if (weights) d$w else 1
  units <- sort(unique(d$unit))
  for (x in c("age", "poor")) for (u in units) {   # a blank takes the mean of all forms of the unit
    here <- d$unit == u
    d[here & is.na(d[[x]]), x] <- mean(d[here, x], na.rm = TRUE)
  }
  a <- raw <- list(); e <- matrix(0, nrow(d), 2); effects <- NULL
  for (k in 1:2) {
    y <- d[[c("q1", "q2")[k]]]; s <- !is.na(y); dk <- d[s, ]; dk$y <- y[s]
    for (x in c("age", "poor")) {
      means <- sapply(units, function(u) weighted.mean(dk[dk$unit == u, x], dk$w[dk$unit == u]))
      dk[[x]] <- dk[[x]] - mean(means)
    }
    fit <- lm(y ~ 0 + unit + age + poor, data = dk, weights = w)
    a[[k]] <- coef(fit)[paste0("unit", units)]
    raw[[k]] <- sapply(units, function(u) weighted.mean(dk$y[dk$unit == u], dk$w[dk$unit == u]))
    size <- sapply(units, function(u) sum(dk$w[dk$unit == u]))
    e[s, k] <- dk$w * residuals(fit) / size[match(dk$unit, units)]
    own <- summary(fit)$coefficients[c("age", "poor"), 1:2]
    effects <- rbind(effects, data.frame(variable = c("q1", "q2")[k], term = rownames(own),
                                         value = own[, 1], se = own[, 2]))
  }
  out <- tests <- NULL; P <- length(units)
  for (name in c("q1", "q2", "composite")) {
    k <- match(name, c("q1", "q2"))
    value <- if (is.na(k)) (a[[1]] + a[[2]]) / 2 else a[[k]]
    rawv <- if (is.na(k)) (raw[[1]] + raw[[2]]) / 2 else raw[[k]]
    u <- if (is.na(k)) (e[, 1] + e[, 2]) / 2 else e[, k]
    v <- sapply(units, function(it) sum(u[d$unit == it]^2))
    dev <- value - mean(value)
    devv <- sapply(1:P, function(i) ((P - 1) / P)^2 * v[i] + sum(v[-i]) / P^2)
    aw <- sum(value / v) / sum(1 / v)
    out <- rbind(out, data.frame(variable = name, unit = units, value = unname(value),
      se = sqrt(unname(v)), raw = unname(rawv), deviation = unname(dev), deviation_se = sqrt(devv)))
    tests <- rbind(tests, data.frame(variable = name, f = sum((value - aw)^2 / v) / (P - 1), df = P - 1))
  }
  list(out = out, tests = tests, effects = effects)
}
for (weights in c(FALSE, TRUE)) {
  found <- casemix(people, weights); tag <- if (weights) "weighted" else "plain"
  for (part in names(found))
    write.csv(format(found[[part]], digits = 15, trim = TRUE, scientific = FALSE),
              file.path(here, paste0(tag, "-", part, ".csv")), row.names = FALSE, quote = FALSE)
}

fayherriot <- function(y, V, X) {
  m <- length(y)
  beta <- function(s) { W <- diag(1 / (V + s)); solve(t(X) %*% W %*% X, t(X) %*% W %*% y) }
  reml <- function(s) {
    S <- diag(V + s); W <- solve(S); r <- y - X %*% beta(s)
    -0.5 * as.numeric(determinant(S)$modulus) - 0.5 * as.numeric(determinant(t(X) %*% W %*% X)$modulus) -
      0.5 * as.numeric(t(r) %*% W %*% r)
  }
  adjusted <- function(s) reml(s) + log(atan(sum(s / (s + V)))) / m
  grid <- exp(seq(log(1e-8), log(1e4), length.out = 4000))
  best <- grid[which.max(sapply(grid, reml))]
  s <- optimize(reml, c(best / 1.1, best * 1.1), maximum = TRUE, tol = 1e-12)$maximum
  kind <- "reml"
  if (reml(0) >= reml(s)) {
    best <- grid[which.max(sapply(grid, adjusted))]
    s <- optimize(adjusted, c(best / 1.1, best * 1.1), maximum = TRUE, tol = 1e-12)$maximum; kind <- "adjusted"
  }
  b <- beta(s); W <- diag(1 / (V + s)); Q <- solve(t(X) %*% W %*% X)
  g <- s / (s + V); middle <- as.numeric(X %*% b)
  g3 <- V^2 / (V + s)^3 * 2 / sum(1 / (V + s)^2)
  g2 <- (1 - g)^2 * diag(X %*% Q %*% t(X))
  data.frame(direct = y, V = V, x = if (ncol(X) > 1) X[, 2] else 0, sigma2 = s, kind = kind,
             value = g * y + (1 - g) * middle, mse = g * V + g2 + 2 * g3)
}
set.seed(7); all <- NULL
for (case in 1:4) {
  m <- c(15, 40, 12, 25)[case]; V <- runif(m, 1, 30); x <- rnorm(m)
  spread <- c(5, 3, 0, 0.2)[case]
  y <- 85 + (case %% 2 == 0) * 4 * x + rnorm(m, 0, spread) + rnorm(m, 0, sqrt(V)) * (if (case == 3) 0.5 else 1)
  X <- if (case %% 2 == 0) cbind(1, x) else matrix(1, m, 1)
  all <- rbind(all, cbind(case = case, fayherriot(y, V, X)))
}
write.csv(format(all, digits = 15, trim = TRUE, scientific = FALSE), file.path(here, "fay-herriot.csv"),
          row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), file.path(here, "sessionInfo.txt"))
