# Answers of 1 to 5 made here; alpha, item-total and omega by psych, CFA by lavaan, F by aov.
suppressMessages({library(psych); library(lavaan)})
here <- "reliability"; dir.create(here, showWarnings = FALSE)
set.seed(11); n <- 400
a <- rnorm(n); b <- 0.5 * a + sqrt(0.75) * rnorm(n); unit <- rep(1:16, each = 25)
lift <- rep(rnorm(16, 0, 0.4), each = 25)
cutx <- function(z) as.integer(cut(z, c(-Inf, -1.6, -0.8, 0.2, 1.1, Inf)))
d <- data.frame(unit,
  q1 = cutx(0.8 * a + 0.6 * rnorm(n) + lift), q2 = cutx(0.7 * a + 0.7 * rnorm(n) + lift),
  q3 = cutx(0.6 * a + 0.8 * rnorm(n)), q4 = cutx(0.8 * b + 0.6 * rnorm(n)),
  q5 = cutx(0.7 * b + 0.7 * rnorm(n)), q6 = cutx(0.5 * b + 0.8 * rnorm(n)))
for (q in paste0("q", 1:6)) d[sample(n, 6), q] <- NA
write.csv(d, file.path(here, "answers.csv"), row.names = FALSE, na = "")
x <- na.omit(d[, paste0("q", 1:6)])
al <- suppressWarnings(alpha(x, check.keys = FALSE)); f1 <- fa(x, nfactors = 1, fm = "ml")
l <- as.numeric(f1$loadings); om <- sum(l)^2 / (sum(l)^2 + sum(1 - l^2))
fel <- alpha.ci(al$total$raw_alpha, n.obs = nrow(x), n.var = 6, p.val = 0.05)
put <- function(t, name) write.csv(format(t, digits = 15, trim = TRUE, scientific = FALSE),
                                   file.path(here, name), row.names = FALSE, quote = FALSE)
put(data.frame(variable = c("alpha", "alpha_standardised", "omega", "low", "high"),
  value = c(al$total$raw_alpha, al$total$std.alpha, om, fel$lower.ci, fel$upper.ci)), "total.csv")
put(data.frame(variable = colnames(x), item_total = al$item.stats$r.drop,
  alpha_without = al$alpha.drop$raw_alpha, loading = l, mean = colMeans(x), sd = sapply(x, sd)), "items.csv")
units <- NULL
d$mean <- rowMeans(d[, paste0("q", 1:6)], na.rm = TRUE)
for (v in c(paste0("q", 1:6), "mean")) {
  t <- summary(aov(d[[v]] ~ factor(d$unit)))[[1]]
  units <- rbind(units, data.frame(variable = v, f = t[1, 4], df = t[1, 1], df_within = t[2, 1]))
}
put(units, "units.csv")
fit <- cfa("f =~ q1 + q2 + q3\n g =~ q4 + q5 + q6", data = x, std.lv = TRUE)
m <- fitMeasures(fit)[c("chisq", "df", "pvalue", "cfi", "tli", "rmsea", "srmr_bentler")]
put(data.frame(variable = c("chi2", "df", "p", "cfi", "tli", "rmsea", "srmr"), value = as.numeric(m)), "fit.csv")
s <- standardizedSolution(fit); s <- s[s$op == "=~" | (s$op == "~~" & s$lhs != s$rhs), 1:4]
put(data.frame(factor = s$lhs, variable = s$rhs, value = s$est.std), "loadings.csv")
writeLines(capture.output(sessionInfo()), file.path(here, "sessionInfo.txt"))
