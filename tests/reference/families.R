# Poisson and multinomial models, CR2 for few clusters, Rubin's rules: numbers that this package
# did not make.
#   Rscript tests/reference/families.R         (from the top of the repository; under a minute)
# reads  tests/reference/drivers/<data>.csv
# writes tests/reference/families/figures.csv  kind, case, answer, term, value, se, df, p, low, high
#        tests/reference/families/sessionInfo.txt
suppressMessages({library(survey); library(nnet); library(clubSandwich); library(mitools)})
options(warn = 1)
read_data <- function(name) {
  read.csv(paste0("tests/reference/drivers/", name, ".csv"), stringsAsFactors = FALSE,
           na.strings = "")
}
same <- function(a, b, tolerance) {
  worst <- max(abs(as.numeric(a) - as.numeric(b)) / pmax(abs(as.numeric(b)), 1e-3))
  if (is.na(worst) || worst > tolerance) stop("differ by ", format(worst))
}
rows <- list()
put <- function(kind, case, term, value, se = NA, df = NA, p = NA, low = NA, high = NA,
                answer = "") {
  text <- function(x) {
    ifelse(is.finite(as.numeric(x)), trimws(formatC(as.numeric(x), digits = 17, format = "g")), "")
  }
  term <- sub("(Intercept)", "Intercept", term, fixed = TRUE)
  rows[[length(rows) + 1]] <<- data.frame(
    kind = kind, case = case, answer = answer, term = term, value = text(value), se = text(se),
    df = text(df), p = text(p), low = text(low), high = text(high))
}

strat <- read_data("strat"); clus1 <- read_data("clus1"); clus2 <- read_data("clus2")
forms <- read_data("forms")
forms$low <- rowSums(forms[sprintf("d%02d", 1:22)] <= 2)   # a count: items answered 1 or 2
designs <- list(
  strat = svydesign(ids = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = strat),
  plain = svydesign(ids = ~1, weights = rep(1, nrow(strat)), data = strat),
  clus1 = svydesign(ids = ~dnum, weights = ~pw, fpc = ~fpc, data = clus1),
  clus2 = svydesign(ids = ~dnum + snum, weights = ~pw, fpc = ~fpc1 + fpc2, data = clus2),
  forms = svydesign(ids = ~cluster, strata = ~stratum, weights = ~w, nest = TRUE, data = forms))
designs$clus1_post <- postStratify(designs$clus1, ~stype,
                                   data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018)))
tight <- glm.control(epsilon = 1e-14, maxit = 100)

# The infinitesimal jackknife: the slope of a figure by the weight of each unit (four-point
# differences), then svyrecvar.
spread_of <- function(design, figure_of, units) {
  w <- weights(design, "sampling"); step <- 0.01
  found <- t(sapply(unique(units), function(unit) {
    at <- function(by) figure_of(w * ifelse(units == unit, 1 + by, 1))
    (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
  }))
  z <- matrix(0, length(w), ncol(found))
  z[match(unique(units), units), ] <- found
  svyrecvar(z, design$cluster, design$strata, design$fpc, postStrata = design$postStrata)
}
units_of <- function(design, single = FALSE) {
  if (single) return(seq_len(nrow(design$variables)))
  as.integer(interaction(design$strata[, 1], design$cluster[, 1], drop = TRUE))
}

# ---------------------------------------------------------------- Poisson
svyglm_of <- function(formula, design, model) {   # begun again where it ended: exact weights
  asked <- list(formula, design = design, family = model, control = tight)
  do.call(svyglm, c(asked, list(start = coef(do.call(svyglm, asked)))))
}
put_poisson <- function(name, formula, inside = NULL) {
  design <- designs[[name]]
  part <- if (is.null(inside)) design else design[which(inside(design$variables)), ]
  fit <- svyglm_of(as.formula(formula), part, quasipoisson())
  table <- summary(fit)$coefficients
  ends <- confint(fit, ddf = fit$df.residual)
  case <- paste0(name, if (!is.null(inside)) " without H", ": ", formula)
  put("poisson", case, rownames(table), table[, 1], table[, 2], fit$df.residual, table[, 4],
      ends[, 1], ends[, 2])
  put("deviance", case, "", 1 - fit$deviance / fit$null.deviance)
}
outside_h <- function(data) data$stype != "H"
for (name in c("strat", "plain", "clus1", "clus2", "clus1_post")) {
  put_poisson(name, "ell ~ meals + stype")
  put_poisson(name, "api_stu ~ meals + mobility + offset(log(enroll))")
}
put_poisson("strat", "ell ~ meals + mobility", outside_h)
put_poisson("clus2", "ell ~ 0 + meals + mobility")
put_poisson("forms", "low ~ fa + fb + woman + channel")
put_poisson("forms", "low ~ fa_blank + woman")
# average effects, in counts; a number: the slope; a factor: from its first level
put_effects <- function(case, term, figure_of, design, units, answer = "") {
  value <- figure_of(weights(design, "sampling"))
  put("effect", case, term, value, sqrt(diag(spread_of(design, figure_of, units))),
      answer = answer)
}
local({
  x <- model.matrix(~ fa + woman + channel, forms)
  put_effects("forms: low ~ fa + woman + channel", colnames(x)[-1], function(w) {
    b <- glm.fit(x, forms$low, w / mean(w), family = quasipoisson(), control = tight)$coefficients
    at <- function(column, value) {
      x[, column] <- 0; if (!is.na(value)) x[, value] <- 1
      exp(drop(x %*% b))
    }
    each <- cbind(exp(drop(x %*% b)) * b[2], at(3, 3) - at(3, NA),
                  at(4:5, 4) - at(4:5, NA), at(4:5, 5) - at(4:5, NA))
    colSums(w * each) / sum(w)
  }, designs$forms, units_of(designs$forms))
  x <- model.matrix(~ meals + mobility, strat)
  put_effects("strat: api_stu ~ meals + mobility", colnames(x)[-1], function(w) {
    b <- glm.fit(x, strat$api_stu, w / mean(w), family = quasipoisson(), control = tight,
                 offset = log(strat$enroll))$coefficients
    mu <- exp(drop(x %*% b)) * strat$enroll
    sum(w * mu) / sum(w) * b[-1]
  }, designs$strat, units_of(designs$strat, TRUE))
})

# ---------------------------------------------------------------- multinomial
# nnet::multinom ends near the maximum; Newton's steps from there, with score and Hessian by their
# formulas, end on it. The error: svyrecvar of the scores times the inverse of the Hessian.
answers_at <- function(b, x, y, w) {
  q <- max(y) - 1; k <- ncol(x)
  p <- exp(cbind(0, x %*% matrix(b, k))); p <- p / rowSums(p)
  score <- do.call(cbind, lapply(seq_len(q), function(j) x * ((y == j + 1) - p[, j + 1])))
  H <- matrix(0, q * k, q * k)
  for (j in seq_len(q)) for (l in seq_len(q)) {
    H[(j - 1) * k + 1:k, (l - 1) * k + 1:k] <-
      crossprod(x, w * p[, j + 1] * ((j == l) - p[, l + 1]) * x)
  }
  list(score = score, H = H, p = p)
}
newton <- function(b, x, y, w) {
  for (step in 1:50) {
    at <- answers_at(b, x, y, w)
    move <- drop(solve(at$H, colSums(w * at$score)))
    b <- b + move
    if (max(abs(move)) < 1e-13 * (1 + max(abs(b)))) break
  }
  b
}
put_multinomial <- function(name, formula, inside = NULL) {
  design <- designs[[name]]; formula_of <- as.formula(formula)
  data <- design$variables
  if (!is.null(inside)) data[!inside(data), all.vars(formula_of)[1]] <- NA
  frame <- model.frame(formula_of, data)
  used <- match(rownames(frame), rownames(data))
  x <- model.matrix(formula_of, frame); levels <- sort(unique(frame[[1]]))
  y <- match(frame[[1]], levels); w <- weights(design, "sampling")[used]
  frame$.w <- w / mean(w); frame$.y <- factor(y)
  rough <- multinom(update(formula_of, .y ~ .), frame, weights = .w, trace = FALSE, maxit = 2000,
                    reltol = 1e-18, abstol = 1e-18)
  start <- as.vector(t(coef(rough)))
  b <- newton(start, x, y, w)
  same(b, start, 1e-3)
  at <- answers_at(b, x, y, w)
  z <- matrix(0, nrow(data), length(b))
  z[used, ] <- (w * at$score) %*% solve(at$H)
  spread <- svyrecvar(z, design$cluster, design$strata, design$fpc, postStrata = design$postStrata)
  inner <- design[used, ]
  answer <- rep(levels[-1], each = ncol(x)); term <- rep(colnames(x), length(levels) - 1)
  case <- paste0(name, if (!is.null(inside)) " without H", ": ", formula)
  put("multinomial", case, term, b, sqrt(diag(spread)),
      degf(inner) - (ncol(x) - 1) * (length(levels) - 1), answer = answer)
  log_likelihood <- sum(w * log(at$p[cbind(seq_along(y), y)]))
  none <- sum(w * log(tapply(w, y, sum) / sum(w))[y])
  put("mcfadden", case, "", 1 - log_likelihood / none)
  same(sum(frame$.w * log(at$p[cbind(seq_along(y), y)])), as.numeric(logLik(rough)), 1e-10)
  invisible(list(b = b, spread = spread, x = x, y = y, levels = levels, case = case))
}
for (name in c("strat", "plain", "clus1", "clus1_post")) {
  put_multinomial(name, "stype ~ meals + ell")
  put_multinomial(name, "stype ~ mobility_blank + wide")
}
put_multinomial("strat", "mealcat ~ mobility + stype")
of_forms <- put_multinomial("forms", "channel ~ fa + fb + woman")
put_multinomial("forms", "channel ~ fa_blank + fc")
put_multinomial("strat", "sch_wide ~ meals + mobility", outside_h)   # two answers: a binary logit
binary <- svyglm_of(wide ~ meals + mobility, designs$strat[which(outside_h(strat)), ],
                    quasibinomial())
binary_rows <- do.call(rbind, rows[sapply(rows, function(it) {
  it$case[1] == "strat without H: sch_wide ~ meals + mobility" && it$kind[1] == "multinomial"
})])
same(binary_rows$value, coef(binary), 1e-9); same(binary_rows$se, SE(binary), 1e-9)
# Deleting each cluster and fitting again by multinom itself is near the error by scores.
local({
  again <- as.svrepdesign(designs$forms, type = "JKn")
  r <- withReplicates(again, function(w, data) {
    data$.w <- w / mean(w)
    as.vector(t(coef(multinom(channel ~ fa + fb + woman, data, weights = .w, trace = FALSE,
                              maxit = 500, reltol = 1e-12))))
  })
  same(sqrt(diag(attr(r, "var"))), sqrt(diag(of_forms$spread)), 0.2)   # “post” is rare
})
# average effects per answer, in points
local({
  x <- model.matrix(~ fa + woman + channel, forms); y <- pmin(forms$d02, 4) - 0
  y <- match(y, sort(unique(y)))
  figure_of <- function(w) {
    b <- newton(rep(0, ncol(x) * (max(y) - 1)), x, y, w / mean(w))
    chance <- function(x) {
      p <- exp(cbind(0, x %*% matrix(b, ncol(x)))); p / rowSums(p)
    }
    mean_of <- function(p) colSums(w * p) / sum(w)
    at <- function(column, value) {
      x[, column] <- 0; if (!is.na(value)) x[, value] <- 1
      mean_of(chance(x))
    }
    slope <- rbind(0, matrix(b, ncol(x))[2, ] |> as.matrix())
    p <- chance(x)
    along <- p * (matrix(slope, nrow(x), max(y), byrow = TRUE) - drop(p %*% slope))
    100 * as.vector(rbind(mean_of(along), at(3, 3) - at(3, NA), at(4:5, 4) - at(4:5, NA),
                          at(4:5, 5) - at(4:5, NA)))
  }
  put_effects("forms: d02 ~ fa + woman + channel", rep(colnames(x)[-1], max(y)), figure_of,
              designs$forms, units_of(designs$forms), answer = rep(seq_len(max(y)), each = 4))
})

# ---------------------------------------------------------------- replicate weights: fitted again
local({
  again <- as.svrepdesign(designs$forms, type = "JKn")
  start <- coef(svyglm_of(low ~ fa + woman, designs$forms, quasipoisson()))
  fit <- svyglm(low ~ fa + woman, again, family = quasipoisson(), control = tight, start = start)
  table <- summary(fit)$coefficients
  put("replicates", "low ~ fa + woman", rownames(table), table[, 1], table[, 2], fit$df.residual,
      table[, 4])
  x <- model.matrix(~ fa + woman, forms)
  y <- match(forms$channel, sort(unique(forms$channel)))
  b <- newton(rep(0, 2 * ncol(x)), x, y, forms$w / mean(forms$w))
  r <- withReplicates(again, function(w, data) newton(b, x, y, w / mean(w)))
  put("replicates", "channel ~ fa + woman", rep(colnames(x), 2), b, sqrt(diag(attr(r, "var"))),
      degf(again) - 4, answer = rep(c("online", "post"), each = 3))
})

# ---------------------------------------------------------------- CR2 and Satterthwaite
put_cr2 <- function(case, fit, cluster) {
  spread <- vcovCR(fit, cluster = cluster, type = "CR2")
  t <- coef_test(fit, spread, test = "Satterthwaite")
  half <- qt(0.975, t$df_Satt) * t$SE
  put("cr2", case, rownames(t), t$beta, t$SE, t$df_Satt, t$p_Satt, t$beta - half, t$beta + half)
  at <- which(lower.tri(spread), arr.ind = TRUE)
  if (nrow(at)) {
    put("cr2 covariance", case, colnames(spread)[at[, 1]], as.matrix(spread)[at],
        answer = sub("(Intercept)", "Intercept", colnames(spread)[at[, 2]], fixed = TRUE))
  }
}
glm_of <- function(formula, data, model, w = rep(1, nrow(data)), o = rep(0, nrow(data))) {
  data$.w <- w; data$.o <- o
  environment(formula) <- environment()
  suppressWarnings({
    begin <- coef(glm(formula, model, data, weights = .w, offset = .o, control = tight))
    glm(formula, model, data, weights = .w, offset = .o, control = tight, start = begin)
  })
}
s2 <- forms[forms$stratum == "s2", ]   # eight clusters of different sizes
# (prior weights have mean 1: the package's own scale is of no account, R's chol is)
clus1$one <- clus1$pw / mean(clus1$pw); clus2$one <- clus2$pw / mean(clus2$pw)
s2$one <- s2$w / mean(s2$w)
put_cr2("clus1_open: api00 ~ ell + meals + mobility", lm(api00 ~ ell + meals + mobility, clus1),
        clus1$dnum)
put_cr2("clus1_open: api00 ~ stype + meals", lm(api00 ~ stype + meals, clus1), clus1$dnum)
put_cr2("clus1_open: api00 ~ 1", lm(api00 ~ 1, clus1), clus1$dnum)
put_cr2("clus1_open: api00 ~ ell_blank + meals", lm(api00 ~ ell_blank + meals, clus1),
        clus1$dnum[!is.na(clus1$ell_blank)])
put_cr2("s2: y ~ fa + woman", lm(y ~ fa + woman, s2, weights = one), s2$cluster)
put_cr2("s2: y ~ fa + fb + channel", lm(y ~ fa + fb + channel, s2, weights = one), s2$cluster)
put_cr2("s2: y ~ 1", lm(y ~ 1, s2, weights = one), s2$cluster)
put_cr2("s2_equal: y ~ 0 + fa + woman", lm(y ~ 0 + fa + woman, s2), s2$cluster)
put_cr2("clus2_open: api00 ~ ell + meals", lm(api00 ~ ell + meals, clus2, weights = one),
        clus2$dnum)
put_cr2("single: api00 ~ ell + meals", lm(api00 ~ ell + meals, strat), seq_len(nrow(strat)))
put_cr2("s2_equal: satisfied ~ fa + woman", glm_of(satisfied ~ fa + woman, s2, binomial()),
        s2$cluster)
put_cr2("s2: satisfied ~ fa + woman",
        glm_of(satisfied ~ fa + woman, s2, binomial(), s2$one), s2$cluster)
put_cr2("s2_equal: low ~ fa + woman", glm_of(low ~ fa + woman, s2, poisson()), s2$cluster)
put_cr2("clus1_open: api_stu ~ meals + mobility + offset(log(enroll))",
        glm_of(api_stu ~ meals + mobility, clus1, poisson(), o = log(clus1$enroll)), clus1$dnum)

# ---------------------------------------------------------------- Rubin's rules
# The blanks of `ell` filled in five ways; MIcombine for complete data of infinite df (as it does
# unasked), and Barnard and Rubin (1999) by their formula for the df of the design.
put_pooled <- function(case, results, complete) {
  pooled <- MIcombine(results)
  m <- length(results)
  together <- function(of) do.call(cbind, lapply(results, of))
  b <- together(coef); u <- base::rowMeans(together(function(it) diag(as.matrix(vcov(it)))))
  between <- apply(b, 1, var); r <- (1 + 1 / m) * between / u
  ends <- function(df) qt(0.975, df) * SE(pooled)
  put("rubin", case, names(coef(pooled)), coef(pooled), SE(pooled), pooled$df,
      2 * pt(-abs(coef(pooled) / SE(pooled)), pooled$df), coef(pooled) - ends(pooled$df),
      coef(pooled) + ends(pooled$df))
  put("missing", case, names(coef(pooled)), pooled$missinfo)
  gamma <- (1 + 1 / m) * between / (u + (1 + 1 / m) * between)
  observed <- (complete + 1) / (complete + 3) * complete * (1 - gamma)
  df <- 1 / (gamma^2 / (m - 1) + 1 / observed)
  put("barnard", case, names(coef(pooled)), (r + 2 / (df + 3)) / (r + 1), SE(pooled), df,
      2 * pt(-abs(coef(pooled) / SE(pooled)), df), coef(pooled) - ends(df), coef(pooled) + ends(df))
}
filled <- lapply(1:5, function(m) {
  made <- strat
  made$ell_full <- ifelse(is.na(strat$ell_blank), strat$meals * (0.2 + 0.1 * m) + m, strat$ell_blank)
  svydesign(ids = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = made)
})
fits <- lapply(filled, function(it) svyglm_of(api00 ~ ell_full + meals, it, gaussian()))
put_pooled("api00 ~ ell_full + meals", fits, fits[[1]]$df.residual)
fits <- lapply(filled, function(it) svyglm_of(wide ~ ell_full + mobility, it, quasibinomial()))
put_pooled("wide ~ ell_full + mobility", fits, fits[[1]]$df.residual)
put_pooled("mean ell_full", lapply(filled, function(it) svymean(~ell_full, it)), degf(filled[[1]]))
write.csv(do.call(rbind, rows), "tests/reference/families/figures.csv", row.names = FALSE,
          quote = FALSE)
writeLines(capture.output(sessionInfo()), "tests/reference/families/sessionInfo.txt")
