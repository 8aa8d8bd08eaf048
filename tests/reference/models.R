# Regression under replicates and domains, tests of chosen variables, predictions and adjusted means
# by R `survey`: numbers that this package did not make.
#   Rscript tests/reference/models.R          (from the top of the repository; under 2 minutes)
# writes tests/reference/models/halves.csv       a sample of pairs of clusters with replicate factors
#        tests/reference/models/coefficients.csv values, errors, df, p of every fit
#        tests/reference/models/tests.csv        Wald, working likelihood ratio, working Wald
#        tests/reference/models/predictions.csv  link and response with errors
#        tests/reference/models/adjusted.csv     adjusted means and their differences
#        tests/reference/models/sequences.csv    anova
#        tests/reference/models/importance.csv   LMG by withReplicates
suppressMessages({library(survey); library(MASS)})
options(warn = 1)
folder <- "tests/reference/models/"
tables <- list()
figure <- function(x) {
  text <- trimws(formatC(as.numeric(x), digits = 17, format = "g"))
  ifelse(is.finite(as.numeric(x)), text, "")
}
put <- function(table, ...) {
  row <- data.frame(..., check.names = FALSE, stringsAsFactors = FALSE)
  for (name in names(row)) if (is.numeric(row[[name]])) row[[name]] <- figure(row[[name]])
  tables[[table]] <<- rbind(tables[[table]], row)
}
same <- function(a, b, tolerance) {
  worst <- max(abs(as.numeric(a) / as.numeric(b) - 1))
  if (is.na(worst) || worst > tolerance) stop("differ by ", format(worst))
}
read_data <- function(path) read.csv(path, stringsAsFactors = FALSE, na.strings = "")

# ---------------------------------------------------------------- a sample of pairs of clusters
nhanes <- read_data("tests/reference/part2/nhanes.csv")
set.seed(20261127)
make_halves <- function() {
  pairs <- tapply(nhanes$SDMVPSU, nhanes$SDMVSTRA, function(x) length(unique(x)) == 2)
  rows <- which(nhanes$SDMVSTRA %in% names(pairs)[pairs] & !is.na(nhanes$HI_CHOL))
  place <- paste(nhanes$SDMVSTRA, nhanes$SDMVPSU)[rows]
  chosen <- unlist(lapply(split(rows, place), sample, size = 12))
  data <- nhanes[sort(chosen), ]
  data <- data.frame(stratum = data$SDMVSTRA, cluster = data$SDMVPSU,
                     pw = round(data$WTMEC2YR / 1000, 3),
                     age = as.character(data$agecat), race = data$race, woman = data$RIAGENDR - 1)
  noise <- rnorm(nrow(data))
  data$x <- round(rnorm(nrow(data)) + 0.3 * data$woman, 3)
  data$y <- round(2 + 0.8 * data$x - 0.5 * data$woman + noise, 3)
  data$high <- as.integer(data$y + rnorm(nrow(data)) > 2)
  data$level <- as.integer(cut(data$y, c(-Inf, 1, 2.2, Inf)))
  data$visits <- rpois(nrow(data), exp(0.2 + 0.3 * data$x))
  data$x_blank <- ifelse(runif(nrow(data)) < 0.08, NA, data$x)
  data$age <- paste0("a", as.integer(factor(data$age)))
  data
}
halves <- make_halves()
sampled <- svydesign(ids = ~cluster, strata = ~stratum, weights = ~pw, nest = TRUE, data = halves)
add_factors <- function(letter, made) {
  factors <- as.matrix(made$repweights)
  for (k in seq_len(ncol(factors))) halves[[paste0(letter, k)]] <<- factors[, k]
  list(columns = paste0(letter, seq_len(ncol(factors))), scale = made$scale, rscales = made$rscales)
}
brr <- add_factors("b", as.svrepdesign(sampled, type = "BRR", compress = FALSE))
fay <- add_factors("f", as.svrepdesign(sampled, type = "Fay", fay.rho = 0.3, compress = FALSE))
jkn <- add_factors("j", as.svrepdesign(sampled, type = "JKn", compress = FALSE))
boot <- add_factors("s", as.svrepdesign(sampled, type = "subbootstrap", replicates = 40,
                                        compress = FALSE))
write.csv(halves, paste0(folder, "halves.csv"), row.names = FALSE, quote = FALSE, na = "")
halves <- read_data(paste0(folder, "halves.csv"))

api <- lapply(c(strat = "strat", clus1 = "clus1", clus2 = "clus2"), function(name) {
  read_data(paste0("tests/reference/drivers/", name, ".csv"))
})
given <- function(made, type, ...) {
  svrepdesign(data = halves, weights = ~pw, repweights = halves[made$columns], type = type,
              combined.weights = FALSE, scale = made$scale, rscales = made$rscales, ...)
}
strat <- svydesign(ids = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = api$strat)
clus1 <- svydesign(ids = ~dnum, weights = ~pw, fpc = ~fpc, data = api$clus1)
raked <- calibrate(clus1, ~stype + sch_wide, calfun = "raking", epsilon = 1e-13, maxit = 200,
                   population = c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018,
                                  sch_wideYes = 5122))
some_zero <- transform(api$clus1, zero = ifelse(stype == "M" & meals > 50, 0, pw))
designs <- list(
  srs = svydesign(ids = ~1, weights = rep(1, nrow(api$strat)), data = api$strat),
  strat = strat, clus1 = clus1,
  clus2 = svydesign(ids = ~dnum + snum, weights = ~pw, fpc = ~fpc1 + fpc2, data = api$clus2),
  raked = raked,
  strat_part = subset(strat, stype != "H"),
  clus1_part = subset(clus1, stype != "H"),
  raked_part = subset(raked, stype != "H"),
  zero = svydesign(ids = ~dnum, weights = ~zero, data = some_zero),
  clus1_jk1 = as.svrepdesign(clus1, type = "JK1"),
  clus1_jk1_mse = as.svrepdesign(clus1, type = "JK1", mse = TRUE),
  clus1_jk1_part = subset(as.svrepdesign(clus1, type = "JK1"), stype != "H"),
  strat_jkn = as.svrepdesign(strat, type = "JKn"),
  halves = sampled,
  halves_brr = svrepdesign(data = halves, weights = ~pw, repweights = halves[brr$columns],
                           type = "BRR", combined.weights = FALSE),
  halves_brr_mse = svrepdesign(data = halves, weights = ~pw, repweights = halves[brr$columns],
                               type = "BRR", combined.weights = FALSE, mse = TRUE),
  halves_fay = svrepdesign(data = halves, weights = ~pw, repweights = halves[fay$columns],
                           type = "Fay", rho = 0.3, combined.weights = FALSE),
  halves_jkn = given(jkn, "JKn"),
  halves_boot = given(boot, "bootstrap"),
  halves_boot_mse = given(boot, "bootstrap", mse = TRUE),
  halves_brr_part = subset(svrepdesign(data = halves, weights = ~pw,
                                       repweights = halves[brr$columns], type = "BRR",
                                       combined.weights = FALSE), woman == 1)
)

# ---------------------------------------------------------------- fits
# glm.fit returns the working weights of the step before its last; begun again from where it ended,
# they are those of the end.
tight <- glm.control(epsilon = 1e-14, maxit = 100)
families <- list(gaussian = gaussian(), binomial = quasibinomial(), poisson = quasipoisson())
fit_glm <- function(formula, design, kind) {
  asked <- list(as.formula(formula), design = design, family = families[[kind]], control = tight)
  start <- coef(do.call(svyglm, asked))
  do.call(svyglm, c(asked, list(start = start)))
}
plain <- function(name) sub("(Intercept)", "Intercept", name, fixed = TRUE)
put_coefficients <- function(case, value, spread, df) {
  se <- sqrt(diag(spread)); half <- qt(0.975, df) * se
  put("coefficients", case = case, variable = plain(names(value)), value = value, se = se,
      low = value - half, high = value + half, df = df, p = 2 * pt(-abs(value / se), df))
}
case_of <- function(name, kind, formula) paste(name, kind, formula, sep = ": ")

# Which coefficients belong to a term, and the models without it.
put_tests <- function(case, fit, design, kind, terms) {
  labels <- attr(terms(fit), "term.labels")
  assign <- attr(model.matrix(fit), "assign")
  parts <- strsplit(terms, " + ", fixed = TRUE)[[1]]
  at <- which(assign %in% match(parts, labels))
  beta <- coef(fit)[at]; V <- vcov(fit)[at, at, drop = FALSE]
  V0 <- fit$naive.cov[at, at, drop = FALSE]
  df <- fit$df.residual
  row <- function(method, chisq, f, ddf, p) {
    put("tests", case = case, terms = terms, method = method, chisq = chisq, f = f,
        df = length(at), ddf = ddf, p = p)
  }
  wald <- regTermTest(fit, parts)
  row("wald", wald$Ftest * wald$df, wald$Ftest, wald$ddf, wald$p)
  chi <- regTermTest(fit, parts, df = Inf)
  row("wald infinite", chi$chisq, chi$chisq / chi$df, Inf, chi$p)
  right <- paste(c(setdiff(labels, parts), "1"), collapse = " + ")
  smaller <- fit_glm(paste(deparse(formula(fit)[[2]]), "~", right), design, kind)
  if (length(smaller$y) != length(fit$y)) return(invisible())
  factors <- Re(eigen(solve(V0) %*% V, only.values = TRUE)$values)
  ratio <- deviance(smaller) - deviance(fit)
  working <- drop(beta %*% solve(V0) %*% beta)
  for (ddf in c(df, Inf)) for (how in c("saddlepoint", "satterthwaite")) {
    p_of <- function(chisq) {
      one <- rep(1, length(factors))
      if (ddf == Inf) pchisqsum(chisq, one, factors, method = how, lower.tail = FALSE)
      else survey:::pFsum(chisq, one, factors, ddf = ddf, method = how, lower.tail = FALSE)
    }
    row(paste("lrt", how), ratio, ratio / sum(factors), ddf, p_of(ratio))
    row(paste("working", how), working, working / sum(factors), ddf, p_of(working))
  }
}

predict_at <- function(case, fit, newdata) {
  for (type in c("link", "response")) {
    made <- predict(fit, newdata, type = type, se.fit = TRUE)
    put("predictions", case = case, type = type, row = seq_len(nrow(newdata)),
        value = as.numeric(coef(made)),
        se = sqrt(as.numeric(attr(made, "var"))))   # SE() of replicates repeats the first
  }
}

# svypredmeans by its formula, because `update` would forget where the fit began.
put_adjusted <- function(case, fit, design, kind, factor, formula) {
  design <- fit$survey.design   # without the forms that lack a variable
  data <- model.frame(design); w <- weights(design, "sampling")
  levels <- sort(unique(data[[factor]]))
  fits <- slopes <- NULL
  for (level in levels) {
    data[[factor]] <- level
    mm <- model.matrix(delete.response(terms(fit)), data, xlev = fit$xlevels)
    eta <- drop(mm %*% coef(fit))
    fits <- cbind(fits, fit$family$linkinv(eta))
    slopes <- cbind(slopes, colSums(w * fit$family$mu.eta(eta) * mm) / sum(w))
  }
  value <- svymean(fits, design)
  spread <- t(slopes) %*% vcov(fit) %*% slopes + as.matrix(vcov(value))
  value <- as.numeric(coef(value))
  right <- sub(paste0(" + ", factor), "", formula, fixed = TRUE)
  without <- do.call(svyglm, list(as.formula(right), design = design, family = families[[kind]],
                                  control = tight))
  official <- svypredmeans(without, as.formula(paste0("~factor(", factor, ")")))
  same(value, coef(official)[as.character(levels)], 1e-9)
  same(sqrt(diag(spread)), SE(official)[match(as.character(levels), names(coef(official)))], 1e-6)
  put("adjusted", case = case, variable = factor, answer = as.character(levels), value = value,
      se = sqrt(diag(spread)))
  for (k in seq_along(levels)[-1]) {
    contrast <- replace(numeric(length(levels)), c(1, k), c(-1, 1))
    put("adjusted", case = case, variable = factor, answer = paste(levels[k], "-", levels[1]),
        value = sum(contrast * value), se = sqrt(drop(contrast %*% spread %*% contrast)))
  }
}

run_case <- function(name, kind, formula, tests = NULL, factor = NULL, at = NULL) {
  design <- designs[[name]]
  case <- case_of(name, kind, formula)
  fit <- fit_glm(formula, design, kind)
  put_coefficients(case, coef(fit), vcov(fit), fit$df.residual)
  for (terms in tests) put_tests(case, fit, design, kind, terms)
  if (!is.null(at)) predict_at(case, fit, at)
  if (!is.null(factor)) put_adjusted(case, fit, design, kind, factor, formula)
}

schools <- data.frame(stype = c("E", "H", "M"), meals = c(10, 50, 90.5), ell = c(0, 20, 61.25),
                      mobility = c(5, 10, 20))
for (name in c("srs", "strat", "clus1", "clus2", "raked", "strat_part", "clus1_part", "raked_part",
               "zero", "clus1_jk1", "clus1_jk1_mse", "clus1_jk1_part", "strat_jkn")) {
  at <- if (grepl("part", name)) schools[c(1, 3), ] else schools
  if (name == "raked_part") {   # R keeps the forms outside, of weight 0, and their type of school
    run_case(name, "gaussian", "api00 ~ meals + ell", c("meals", "meals + ell"), NULL, at)
    run_case(name, "binomial", "wide ~ meals + mobility", "meals + mobility", NULL, at)
    next
  }
  run_case(name, "gaussian", "api00 ~ meals + ell + stype",
           c("stype", "meals", "ell + stype", "meals + ell + stype"), "stype", at)
  run_case(name, "binomial", "wide ~ meals + mobility + stype",
           c("stype", "meals + mobility"), "stype", at)
  run_case(name, "gaussian", "api00 ~ ell_blank + meals")
}
run_case("strat", "gaussian", "api00 ~ meals * stype", c("meals:stype", "stype + meals:stype"))
run_case("clus2", "poisson", "enroll ~ meals + stype", "stype", "stype", schools)
people <- data.frame(x = c(-1, 0.25, 2), woman = c(0, 1, 1), 
                     age = factor(c("a1", "a2", "a4"), paste0("a", 1:4)))   # no xlev in predict
for (name in grep("halves", names(designs), value = TRUE)) {
  part <- grepl("part", name)
  who <- if (part) "x + age" else "x + woman + age"
  run_case(name, "gaussian", paste("y ~", who), c("age", "x"), if (!part) "age", people)
  run_case(name, "binomial", paste("high ~", who), c("age", "x + age"), if (!part) "age", people)
  run_case(name, "poisson", paste("visits ~", who), "age", NULL, people)
  run_case(name, "gaussian", "y ~ x_blank + age")
}

# ---------------------------------------------------------------- ordered logits
# svyolr of replicates refits with polr's own tolerance (1e-8): made here with a closer one.
olr_control <- list(reltol = 1e-16, maxit = 5000)
put_olr <- function(name, formula) {
  design <- designs[[name]]
  one <- function(w, start) {
    data <- cbind(design$variables, .w = w)
    call <- list(as.formula(formula), data = data, weights = w, control = olr_control)
    if (!is.null(start)) call$start <- start
    made <- suppressWarnings(do.call(polr, call))
    c(made$coefficients, made$zeta)
  }
  design$variables$level <- factor(design$variables$level)
  full <- one(weights(design, "sampling"), NULL)
  for (again in 1:3) full <- one(weights(design, "sampling"), full)
  replicates <- t(apply(weights(design, "analysis"), 2, function(w) one(w, one(w, full))))
  spread <- survey:::svrVar(replicates, design$scale, design$rscales, mse = design$mse, coef = full)
  spread <- matrix(as.numeric(spread), length(full))
  official <- svyolr(as.formula(formula), design)
  same(sqrt(diag(spread)), sqrt(diag(vcov(official))), 1e-2)
  put_coefficients(case_of(name, "ordinal", formula), full, spread, official$df.residual)
}
for (name in c("halves_brr", "halves_jkn", "halves_boot_mse")) put_olr(name, "level ~ x + woman")

# ---------------------------------------------------------------- each term after those before it
put_sequence <- function(name, kind, formula) {
  fit <- do.call(svyglm, list(as.formula(formula), design = designs[[name]],
                              family = families[[kind]], control = tight))
  for (method in c("LRT", "Wald")) for (row in anova(fit, method = method)) {
    f <- if (method == "LRT") row$chisq / sum(row$lambda) else row$Ftest
    put("sequences", case = case_of(name, kind, formula), method = tolower(method),
        terms = row$test.terms, f = f, df = row$df, ddf = row$ddf, p = row$p)
  }
}
for (name in c("srs", "strat", "clus1", "clus2")) {
  put_sequence(name, "gaussian", "api00 ~ meals * stype + mobility")
  put_sequence(name, "binomial", "wide ~ meals + mobility + stype")
}

# ---------------------------------------------------------------- shares of R² under replicates
lmg <- function(w, data, outcome, drivers) {
  w <- w / sum(w)
  S <- cov.wt(as.matrix(data[c(drivers, outcome)]), wt = w, method = "ML")$cov
  explained <- function(T) {
    if (length(T) == 0) return(0)
    drop(S[outcome, T] %*% solve(S[T, T], S[T, outcome])) / S[outcome, outcome]
  }
  m <- length(drivers)
  sapply(drivers, function(k) {
    others <- setdiff(drivers, k)
    sum(sapply(0:(2^(m - 1) - 1), function(code) {
      T <- others[bitwAnd(code, 2^(seq_along(others) - 1)) > 0]
      factorial(length(T)) * factorial(m - length(T) - 1) / factorial(m) *
        (explained(c(T, k)) - explained(T))
    }))
  })
}
put_lmg <- function(name, outcome, drivers) {
  made <- withReplicates(designs[[name]], function(w, data) lmg(w, data, outcome, drivers))
  put("importance", case = name, outcome = outcome, variable = drivers,
      value = as.numeric(coef(made)), se = sqrt(diag(as.matrix(vcov(made)))),
      df = degf(designs[[name]]))
}
for (name in c("clus1_jk1", "clus1_jk1_mse", "clus1_jk1_part", "strat_jkn")) {
  put_lmg(name, "api00", c("meals", "ell", "mobility"))
}
for (name in c("halves_brr", "halves_fay", "halves_jkn", "halves_boot")) {
  put_lmg(name, "y", c("x", "woman", "visits"))
}

for (table in names(tables)) {
  write.csv(tables[[table]], paste0(folder, table, ".csv"), row.names = FALSE, quote = FALSE)
}
cat(sapply(tables, nrow), "\n")
