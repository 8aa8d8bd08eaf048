# Intervals at chosen degrees of freedom and combinations of coefficients by R `survey`: numbers
# that this package did not make.
#   Rscript tests/reference/contrasts.R       (from the top of the repository; seconds)
# writes tests/reference/contrasts/expected.csv: fit, what, row, value, se (low, high of intervals)
suppressMessages(library(survey))
folder <- "tests/reference/part2/"
read_data <- function(name) read.csv(paste0(folder, name, ".csv"), stringsAsFactors = TRUE)
apiclus1 <- read_data("apiclus1")
apiclus2 <- read_data("apiclus2")
nhanes <- read_data("nhanes")
clus1 <- svydesign(ids = ~dnum, weights = ~pw, fpc = ~fpc, data = apiclus1)
clus2 <- svydesign(ids = ~dnum + snum, fpc = ~fpc1 + fpc2, data = apiclus2)
people <- svydesign(ids = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE,
                    data = nhanes)
exact <- list(epsilon = 1e-14, maxit = 100)
fits <- list(
  linear = svyglm(api00 ~ enroll + meals + stype, clus2),
  counts = svyglm(api.stu ~ meals + stype, clus1, family = quasipoisson, control = exact),
  logit = svyglm(HI_CHOL ~ agecat + RIAGENDR, people, family = quasibinomial, control = exact)
)
figure <- function(x) trimws(formatC(as.numeric(x), digits = 17, format = "g"))
rows <- NULL
put <- function(fit, what, first, second) {
  n <- seq_along(first)
  rows <<- rbind(rows, data.frame(fit, what, row = n, first = figure(first),
                                  second = figure(second)))
}
for (name in names(fits)) {
  fit <- fits[[name]]
  for (ddf in c(Inf, 7)) {
    ends <- confint(fit, level = 0.9, ddf = ddf)
    put(name, paste0("confint ", ddf), ends[, 1], ends[, 2])
  }
  k <- length(coef(fit))
  weights <- list(a = c(rep(0, k - 2), 1, -1), b = seq_len(k))
  both <- svycontrast(fit, weights)
  put(name, "weights", coef(both), SE(both))
}
ratio <- svycontrast(fits$linear, quote(log(-meals) / enroll))
put("linear", "ratio", coef(ratio), SE(ratio))
write.csv(rows, "tests/reference/contrasts/expected.csv", row.names = FALSE, quote = FALSE)
