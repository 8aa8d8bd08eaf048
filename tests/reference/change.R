# Changes between two surveys, and Kitagawa's parts, with the errors of both designs, by R survey.
# Rscript change.R in tests/reference: writes the data and what R finds into change/
suppressMessages(library(survey))
here <- "change"; dir.create(here, showWarnings = FALSE); set.seed(118)
items <- paste0("A", 1:4)
make <- function(clusters, shift, women) {
  n <- 12 * clusters; d <- data.frame(hamlet = rep(1:clusters, each = 12))
  d$office <- paste0("o", (d$hamlet - 1) %% 4 + 1); d$sex <- ifelse(runif(n) < women, "f", "m")
  d$w <- round(runif(clusters, 0.6, 2)[d$hamlet] * runif(n, 0.8, 1.3), 3)
  z <- rnorm(clusters, 0, 0.3)[d$hamlet] + rnorm(n) + shift + 0.5 * (d$sex == "f") + 0.2 * as.integer(factor(d$office))
  for (q in items) d[[q]] <- pmin(5, pmax(1, round(3.4 + 0.7 * z + 0.8 * rnorm(n))))
  for (q in items) d[sample(n, 6), q] <- NA
  d
}
waves <- list(make(32, 0, 0.45), make(28, 0.3, 0.6))
for (k in 1:2) write.csv(waves[[k]], file.path(here, paste0("wave", k, ".csv")), row.names = FALSE, quote = FALSE, na = "")
out <- NULL
put <- function(key, ...) out <<- rbind(out, data.frame(key = key, ...))
counts <- function(d) { y <- as.matrix(d[, items]); d$top <- rowSums(y >= 4, na.rm = TRUE); d$all <- rowSums(!is.na(y)); d }
des <- lapply(waves, function(d) svydesign(~hamlet, weights = ~w, data = counts(d)))
index <- function(s) { r <- svyratio(~top, ~all, s); c(100 * coef(r), 100 * SE(r), length(unique(s$variables$hamlet)) - 1) }
# The intervals of k changes hold together: each has the level 0.95^(1/k) (Sidak 1967).
change <- function(one, two, k = 1) {
  t <- function(df) qt((1 + 0.95^(1 / k)) / 2, df)
  se <- sqrt(one[2]^2 + two[2]^2); df <- se^4 / (one[2]^4 / one[3] + two[2]^4 / two[3]); v <- two[1] - one[1]
  data.frame(value = v, se = se, low = v - t(df) * se, high = v + t(df) * se, df = df, p = 2 * pt(-abs(v / se), df))
}
units <- NULL
for (u in c("all", paste0("o", 1:4))) {
  parts <- lapply(des, function(s) index(if (u == "all") s else subset(s, office == u)))
  units <- rbind(units, data.frame(key = u, change(parts[[1]], parts[[2]], if (u == "all") 1 else 4)))
}
units$p_holm <- c(NA, p.adjust(units$p[-1], "holm")); units$p_fdr_bh <- c(NA, p.adjust(units$p[-1], "BH"))
# Kitagawa by sex: totals of satisfied and of all answers by sex, delta method with the whole covariance
totals <- lapply(des, function(s) svytotal(~I(top * (sex == "f")) + I(top * (sex == "m")) + I(all * (sex == "f")) + I(all * (sex == "m")), s))
split <- function(t1, t2) {
  r1 <- t1[1:2] / t1[3:4]; r2 <- t2[1:2] / t2[3:4]; q1 <- t1[3:4] / sum(t1[3:4]); q2 <- t2[3:4] / sum(t2[3:4])
  who <- sum((q2 - q1) * (r1 + r2) / 2); how <- sum((r2 - r1) * (q1 + q2) / 2); 100 * c(who = who, how = how, change = who + how)
}
t1 <- coef(totals[[1]]); t2 <- coef(totals[[2]]); v <- split(t1, t2)
grad <- function(f, t) t(sapply(seq_along(t), function(i) { h <- 1e-4 * t[i]; at <- function(k) { s <- t; s[i] <- s[i] + k * h; f(s) }; (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h) }))
g1 <- grad(function(t) split(t, t2), t1); g2 <- grad(function(t) split(t1, t), t2)
v1 <- diag(t(g1) %*% vcov(totals[[1]]) %*% g1); v2 <- diag(t(g2) %*% vcov(totals[[2]]) %*% g2); dfs <- sapply(des, degf)
se <- sqrt(v1 + v2); df <- se^4 / (v1^2 / dfs[1] + v2^2 / dfs[2])
parts <- data.frame(key = names(v), value = v, se = se, low = v - qt(0.975, df) * se, high = v + qt(0.975, df) * se, df = df,
                    p = 2 * pt(-abs(v / se), df), p_holm = NA, p_fdr_bh = NA)
t <- rbind(units, parts); t[-1] <- format(t[-1], digits = 15, trim = TRUE, scientific = TRUE)
write.csv(t, file.path(here, "expected.csv"), row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), file.path(here, "sessionInfo.txt"))
