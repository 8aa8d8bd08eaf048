# Factors by lavaan, alpha by psych and survey, polychoric correlations and their errors from the
# formulas (polycor and psych beside them), intraclass correlation by psych, aov and lme4.
# Rscript scales.R in tests/reference: writes the data and what R finds into scales/
suppressMessages({library(lavaan); library(psych); library(survey); library(lme4); library(polycor); library(mvtnorm)})
here <- "scales"; dir.create(here, showWarnings = FALSE)
save <- function(t, name) write.csv(t, file.path(here, name), row.names = FALSE, quote = FALSE, na = "")
out <- NULL
put <- function(case, key, value) out <<- rbind(out, data.frame(case = case, key = key, value = value))

# ---- data: a school test (lavaan), a personality test with a reversed item (psych), skewed answers made here
school <- HolzingerSwineford1939[, c("school", paste0("x", 1:9))]
names(school)[1] <- "unit"
traits <- na.omit(bfi[seq(1, 2800, 4), c(paste0("A", 1:5), paste0("C", 1:5), paste0("E", 1:2))])
set.seed(18); n <- 480
village <- rep(1:24, each = 20); stratum <- rep(1:4, each = 120)
w <- round(runif(24, 0.5, 3)[village] * runif(n, 0.8, 1.2), 3)
a <- rnorm(n) + rnorm(24, 0, 0.4)[village]
level <- function(z, cuts) as.integer(cut(z, c(-Inf, cuts, Inf)))
forms <- data.frame(village, stratum, w,
  q1 = level(0.8 * a + 0.6 * rnorm(n), c(-1.9, -1.3, -0.6, 0.5)), q2 = level(0.7 * a + 0.7 * rnorm(n), c(-2, -1.5, -1, 0)),
  q3 = level(0.6 * a + 0.8 * rnorm(n), c(-1.5, -0.5, 0.4, 1.2)), q4 = level(0.7 * a + 0.6 * rnorm(n), c(-1.8, -1, -0.5, 0.8)))
for (q in paste0("q", 1:4)) forms[sample(n, 9), q] <- NA
items <- paste0("q", 1:4)
save(school, "school.csv"); save(traits, "traits.csv"); save(forms, "forms.csv")

# ---- S1: factors
measures <- c(chi2 = "chisq", df = "df", p = "pvalue", cfi = "cfi", tli = "tli", rmsea = "rmsea", rmsea_low = "rmsea.ci.lower",
              rmsea_high = "rmsea.ci.upper", p_close = "rmsea.pvalue", srmr = "srmr_bentler")
# the default search stops at 1e-6: Gauss and Newton go on from there
tight <- function(...) cfa(..., std.lv = TRUE, start = cfa(..., std.lv = TRUE), optim.method = "GN", optim.gn.tol.x = 1e-13,
                           optim.gn.iter.max = 1000L, optim.force.converged = TRUE)
structure_of <- function(case, d, factors) {
  text <- paste(names(factors), "=~", sapply(factors, paste, collapse = " + "), collapse = "\n")
  fit <- tight(text, data = d); robust <- tight(text, data = d, estimator = "MLR")
  for (m in names(measures)) put(case, m, as.numeric(fitMeasures(fit)[measures[m]]))
  s <- standardizedSolution(robust); e <- standardizedSolution(fit)$est.std
  sign <- sapply(names(factors), function(f) ifelse(sum(e[s$op == "=~" & s$lhs == f]) < 0, -1, 1))
  k <- nrow(d)
  for (i in which(s$op == "=~" | (s$op == "~~" & s$lhs != s$rhs & s$lhs %in% names(factors)))) {
    turn <- sign[s$lhs[i]] * ifelse(s$op[i] == "~~", sign[s$rhs[i]], 1)
    put(case, paste0("value:", s$lhs[i], ":", s$rhs[i]), e[i] * turn)
    put(case, paste0("se:", s$lhs[i], ":", s$rhs[i]), s$se[i] * sqrt(k / (k - 1)))   # ours: n - 1 as svytotal
  }
}
structure_of("school", school, list(visual = paste0("x", 1:3), textual = paste0("x", 4:6), speed = paste0("x", 7:9)))
structure_of("traits", traits, list(A = paste0("A", 1:5), C = paste0("C", 1:5), E = c("E1", "E2")))
structure_of("single", traits, list(C = paste0("C", 1:5)))
structure_of("clear", na.omit(forms[, items]), list(f = items))

# ---- D8: alpha and omega with weights, two items
x <- na.omit(forms[, c("village", "stratum", "w", items)])
alpha_of <- function(w, d = x) {
  v <- cov.wt(d[, items], w / sum(w), method = "ML")$cov; 4 / 3 * (1 - sum(diag(v)) / sum(v))
}
std_of <- function(w) { r <- cov2cor(cov.wt(x[, items], w / sum(w), method = "ML")$cov); m <- mean(r[lower.tri(r)]); 4 * m / (1 + 3 * m) }
cor_of <- function(w) cov2cor(cov.wt(x[, items], w / sum(w), method = "ML")$cov)
omega_of_cor <- function(r) {
  f <- tight("f =~ q1 + q2 + q3 + q4", sample.cov = r, sample.nobs = 1e4)
  l <- standardizedSolution(f)$est.std[1:4]; l <- abs(l); sum(l)^2 / (sum(l)^2 + sum(1 - l^2))
}
des <- svydesign(~village, strata = ~stratum, weights = ~w, data = forms, nest = TRUE)
sub <- subset(des, complete.cases(forms[, items]))
put("weighted", "alpha", alpha_of(x$w)); put("weighted", "alpha_survey", as.numeric(svycralpha(~q1 + q2 + q3 + q4, sub)))
put("weighted", "alpha_standardised", std_of(x$w)); put("weighted", "omega", omega_of_cor(cor_of(x$w)))
# errors: the derivative by each form's weight (Deville), totalled by the design
derivative <- function(f) sapply(seq_along(x$w), function(i) {
  h <- 1e-3 * x$w[i]; at <- function(k) { w <- x$w; w[i] <- w[i] + k * h; f(w) }
  (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)
})
error_of <- function(f) {
  z <- rep(0, nrow(forms)); z[complete.cases(forms[, items])] <- derivative(f)
  as.numeric(SE(svytotal(~z, update(des, z = z))))
}
put("weighted", "alpha_se", error_of(alpha_of)); put("weighted", "alpha_standardised_se", error_of(std_of))
lower <- which(lower.tri(diag(4)), arr.ind = TRUE)   # omega: its slopes by the correlations, then by the weights
omega_slope <- sapply(1:6, function(j) {
  at <- function(k) { r <- cor_of(x$w); i <- lower[j, ]; r[i[1], i[2]] <- r[i[2], i[1]] <- r[i[1], i[2]] + k * 1e-3; omega_of_cor(r) }
  (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * 1e-3)
})
put("weighted", "omega_se", error_of(function(w) sum(omega_slope * cor_of(w)[lower])))
jack <- as.svrepdesign(sub, type = "JKn")
put("weighted", "alpha_jackknife_se", as.numeric(SE(withReplicates(jack, function(w, d) alpha_of(w, d)))))
two <- na.omit(forms[, c("q1", "q3")]); pa <- suppressWarnings(psych::alpha(two, check.keys = FALSE))
put("two", "alpha", pa$total$raw_alpha); put("two", "alpha_standardised", 2 * cor(two)[1, 2] / (1 + cor(two)[1, 2]))
design_mean <- svymean(~q1 + q2 + q3 + q4, sub); v <- svyvar(~q1 + q2 + q3 + q4, sub)
for (q in items) { put("weighted", paste0("mean:", q), coef(design_mean)[q]); put("weighted", paste0("sd:", q), sqrt(as.matrix(v)[q, q])) }

# ---- S2: polychoric correlations in two steps, from the formulas
cuts_of <- function(shares) qnorm(cumsum(shares)[-length(shares)])
below <- function(h, k, r) if (is.infinite(h) || is.infinite(k)) pnorm(min(h, k)) else pmvnorm(upper = c(h, k), corr = matrix(c(1, r, r, 1), 2), algorithm = TVPACK(1e-16))[1]
chances <- function(r, a, b) {
  a <- c(-Inf, a, Inf); b <- c(-Inf, b, Inf)
  f <- outer(a, b, Vectorize(function(h, k) if (h == -Inf || k == -Inf) 0 else below(h, k, r)))
  f[-1, -1] - f[-nrow(f), -1] - f[-1, -ncol(f)] + f[-nrow(f), -ncol(f)]
}
density2 <- function(h, k, r) ifelse(is.infinite(h) | is.infinite(k), 0, exp(-(h^2 - 2 * r * h * k + k^2) / (2 * (1 - r^2))) / (2 * pi * sqrt(1 - r^2)))
slopes <- function(r, a, b) {
  a <- c(-Inf, a, Inf); b <- c(-Inf, b, Inf); f <- outer(a, b, function(h, k) density2(h, k, r)); f[is.nan(f)] <- 0
  f[-1, -1] - f[-nrow(f), -1] - f[-1, -ncol(f)] + f[-nrow(f), -ncol(f)]
}
poly <- function(first, second, w) {
  use <- complete.cases(first, second); one <- factor(first[use]); two <- factor(second[use]); w <- w[use]
  t <- xtabs(w ~ one + two); t <- t / sum(t); a <- cuts_of(rowSums(t)); b <- cuts_of(colSums(t))
  score <- function(r, a, b) sum((t * slopes(r, a, b) / chances(r, a, b))[t > 0])
  r <- uniroot(function(r) score(r, a, b), c(-0.95, 0.95), tol = 1e-13)$root
  # stacked equations of thresholds and correlation: influence of each form
  h <- 1e-5; p <- c(r, a, b); at <- function(p) score(p[1], p[1 + seq_along(a)], p[1 + length(a) + seq_along(b)])
  grad <- sapply(seq_along(p), function(i) { e <- rep(0, length(p)); e[i] <- h; (8 * (at(p + e) - at(p - e)) - (at(p + 2 * e) - at(p - 2 * e))) / (12 * h) })
  s <- (slopes(r, a, b) / chances(r, a, b))[cbind(as.integer(one), as.integer(two))]
  ia <- sapply(seq_along(a), function(k) ((as.integer(one) <= k) - pnorm(a[k])) / dnorm(a[k]))
  ib <- sapply(seq_along(b), function(k) ((as.integer(two) <= k) - pnorm(b[k])) / dnorm(b[k]))
  z <- rep(0, length(first)); z[use] <- -(s + cbind(ia, ib) %*% grad[-1]) / grad[1] / sum(w)
  list(rho = r, z = z)
}
plain <- svydesign(~1, weights = rep(1, n), data = forms)
pairs <- combn(items, 2); sums <- 0
for (j in 1:ncol(pairs)) {
  i1 <- pairs[1, j]; i2 <- pairs[2, j]; key <- paste(i1, i2, sep = ":")
  one <- poly(forms[[i1]], forms[[i2]], rep(1, n)); use <- complete.cases(forms[, c(i1, i2)])
  put("polychoric", paste0("value:", key), one$rho)
  put("polychoric", paste0("se:", key), as.numeric(SE(svytotal(~z, subset(update(plain, z = one$z), use)))))
  put("polycor", key, polychor(forms[[i1]], forms[[i2]], ML = FALSE))
  many <- poly(forms[[i1]], forms[[i2]], w)
  put("polychoric_weighted", paste0("value:", key), many$rho)
  put("polychoric_weighted", paste0("se:", key), as.numeric(SE(svytotal(~z, subset(update(des, z = many$z), use)))))
}
p <- suppressMessages(suppressWarnings(polychoric(na.omit(forms[, items]))))   # its correction is for global = FALSE only
for (j in 1:6) put("psych", paste(pairs[, j], collapse = ":"), p$rho[pairs[1, j], pairs[2, j]])
# ordinal alpha (Zumbo 2007) and omega of the polychoric matrix of complete forms
r <- diag(4); dimnames(r) <- list(items, items); z <- 0
for (j in 1:6) { one <- poly(x[[pairs[1, j]]], x[[pairs[2, j]]], rep(1, nrow(x))); r[pairs[1, j], pairs[2, j]] <- r[pairs[2, j], pairs[1, j]] <- one$rho; z <- z + one$z / 6 }
put("ordinal", "alpha", psych::alpha(r, n.obs = nrow(x))$total$std.alpha); m <- mean(r[lower.tri(r)])
whole <- rep(0, n); whole[complete.cases(forms[, items])] <- z * 4 / (1 + 3 * m)^2
put("ordinal", "alpha_se", as.numeric(SE(svytotal(~z, subset(update(plain, z = whole), complete.cases(forms[, items]))))))
f <- tight("f =~ q1 + q2 + q3 + q4", sample.cov = r, sample.nobs = 1e4)
l <- abs(standardizedSolution(f)$est.std[1:4]); put("ordinal", "omega", sum(l)^2 / (sum(l)^2 + sum(1 - l^2)))

# ---- S3: intraclass correlation: Shrout and Fleiss (1979), then units of unequal size, then weights
sf <- matrix(c(9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7), ncol = 4, byrow = TRUE)
t <- psych::ICC(sf, lmer = FALSE)$results
for (k in c(1, 4)) { key <- c("icc", NA, NA, "icc_mean")[k]
  put("fleiss", key, t$ICC[k]); put("fleiss", paste0(key, "_low"), t$`lower bound`[k]); put("fleiss", paste0(key, "_high"), t$`upper bound`[k]) }
put("fleiss", "f", t$F[1]); put("fleiss", "p", t$p[1])
u <- forms[!is.na(forms$q3), ]; u <- u[-seq(1, nrow(u), 7), ]; u$w <- u$w / mean(u$w); save(u, "units.csv")
strict <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-13, maxfun = 1e5))
for (case in c("units", "units_weighted")) {
  u$v <- if (case == "units") 1 else u$w
  s <- summary(aov(q3 ~ factor(village), u, weights = v))[[1]]
  put(case, "f", s[1, 4]); put(case, "df", s[1, 1]); put(case, "df_within", s[2, 1]); put(case, "p", s[1, 5])
  size <- tapply(u$v, u$village, sum); n0 <- (sum(size) - sum(size^2) / sum(size)) / (length(size) - 1)
  between <- (s[1, 3] - s[2, 3]) / n0; rho <- between / (between + s[2, 3])
  put(case, "anova_between", between); put(case, "anova_within", s[2, 3]); put(case, "icc", rho)
  put(case, "deff", 1 + (sum(size^2) / sum(u$v^2) - 1) * rho)
  m <- lmer(q3 ~ 1 + (1 | village), u, weights = v, control = strict); vc <- as.data.frame(VarCorr(m))$vcov
  put(case, "reml_between", vc[1]); put(case, "reml_within", vc[2]); put(case, "mean", fixef(m))
}
out$value <- format(out$value, digits = 15, trim = TRUE, scientific = TRUE); save(out, "expected.csv")
writeLines(capture.output(sessionInfo()), file.path(here, "sessionInfo.txt"))
