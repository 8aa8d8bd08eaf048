# Figures of the models and of the shares of R² by R: numbers that this package did not make.
#   Rscript tests/reference/drivers.R          (from the top of the repository; under 2 minutes)
# writes tests/reference/drivers/<data>.csv    samples of R `survey`, `MASS`, and one made here
#        tests/reference/drivers/cases.csv     what was fitted: design, family, formula, R²
#        tests/reference/drivers/terms.csv     coefficients, errors, df, intervals, p
#        tests/reference/drivers/covariance.csv
#        tests/reference/drivers/others.csv    svyolr as it is, parallel slopes, margins, VIF
#        tests/reference/drivers/importance.csv  LMG, Owen, Johnson, with errors
#        tests/reference/drivers/sessionInfo.txt
# All figures are made from the files as written, so that both sides read the same numbers.
suppressMessages({library(survey); library(MASS); library(ordinal)})
options(warn = 1)
folder <- "tests/reference/drivers/"
begun <- proc.time()[["elapsed"]]
told <- function(...) cat(sprintf("%6.1f s ", proc.time()[["elapsed"]] - begun), ..., "\n")
same <- function(a, b, tolerance) {
  worst <- max(abs(as.numeric(a) / as.numeric(b) - 1))
  if (is.na(worst) || worst > tolerance) stop("differ by ", format(worst))
  invisible(worst)
}

# ---------------------------------------------------------------- the samples, as files
write_data <- function(name, data) {
  for (column in names(data)) {
    if (is.numeric(data[[column]])) {
      text <- trimws(formatC(as.numeric(data[[column]]), digits = 15, format = "g"))
      data[[column]] <- ifelse(is.na(data[[column]]), NA, text)
    }
  }
  write.csv(data, paste0(folder, name, ".csv"), row.names = FALSE, quote = FALSE, na = "")
}
read_data <- function(name, from = folder) {
  read.csv(paste0(from, name, ".csv"), stringsAsFactors = FALSE, na.strings = "")
}

data(api)
set.seed(20260201)
blank <- function(x, share) { x[runif(length(x)) < share] <- NA; x }
of_api <- function(name, data, more) {
  names(data) <- gsub(".", "_", names(data), fixed = TRUE)
  kept <- c("stype", "sch_wide", "dnum", "snum", "api00", "api99", "ell", "meals", "mobility",
            "avg_ed", "enroll", "api_stu", "pw")
  made <- data[c(kept, more)]
  made$wide <- as.numeric(made$sch_wide == "Yes")
  made$mealcat <- as.numeric(cut(made$meals, c(0, 25, 50, 75, 100), include.lowest = TRUE))
  made$tested <- pmin(made$api_stu / made$enroll, 1)
  # A part of the sample: the outcome outside it is blank, which says the same as subset().
  inside <- made$stype != "H"
  for (it in c("api00", "wide", "mealcat")) {
    made[[paste0(it, "_in")]] <- ifelse(inside, made[[it]], NA)
  }
  made$ell_blank <- blank(made$ell, 0.1)
  made$mobility_blank <- blank(made$mobility, 0.15)
  made$kind <- blank(as.character(made$stype), 0.1)
  write_data(name, made)
}
of_api("strat", apistrat, "fpc")
of_api("clus1", apiclus1, "fpc")
of_api("clus2", apiclus2, c("fpc1", "fpc2"))
data(housing)
write_data("housing", data.frame(sat = as.numeric(housing$Sat), infl = housing$Infl,
                                 type = housing$Type, cont = housing$Cont, freq = housing$Freq))

# 600 forms in 40 clusters of 4 strata (ids restart), unequal weights, 22 items of 5 groups.
GROUPS <- list(a = 1:4, b = 5:9, c = 10:15, d = 16:18, e = 19:22)
ITEMS <- sprintf("d%02d", 1:22)
MEANS <- paste0("f", names(GROUPS))
all22 <- paste(ITEMS, collapse = " + "); all5 <- paste(MEANS, collapse = " + ")
levels_of <- function(z) as.numeric(cut(z, c(-Inf, -1.5, -0.7, 0.2, 1.1, Inf)))
make_forms <- function() {
  within <- c(6, 8, 12, 14)
  cluster <- do.call(rbind, lapply(1:4, function(h) {
    data.frame(stratum = paste0("s", h), cluster = seq_len(within[h]))
  }))
  size <- as.vector(rmultinom(1, 600 - 5 * 40, runif(40, 0.3, 1))) + 5
  label <- rep(1:40, size)
  made <- cluster[label, ]
  lift <- rnorm(40, sd = 0.35)[label]
  made$w <- round(exp(rnorm(600, sd = 0.5)) * c(s1 = 4, s2 = 9, s3 = 15, s4 = 30)[made$stratum], 3)
  common <- rnorm(600)
  answers <- do.call(cbind, lapply(GROUPS, function(it) {
    own <- rnorm(600)
    sapply(it, function(k) 0.7 * common + 0.35 * own + 0.62 * rnorm(600) + lift)
  }))
  made[ITEMS] <- apply(answers, 2, levels_of)
  line <- as.matrix(made[ITEMS]) %*% c(0.3, 0.1, 0, 0.1, 0.2, 0, 0, 0.1, 0, 0.15, 0, 0, 0.1, 0, 0,
                                       0, 0, 0.05, 0.1, 0, 0, 0)
  made$y <- levels_of((line - mean(line)) / sd(line) * 0.8 + 0.7 * rnorm(600) + 0.3 * lift + 0.3)
  made$satisfied <- as.numeric(made$y >= 4)
  made$woman <- as.numeric(runif(600) < 0.55)
  made$channel <- sample(c("counter", "online", "post"), 600, replace = TRUE, prob = c(6, 3, 1))
  for (g in names(GROUPS)) made[[paste0("f", g)]] <- rowMeans(made[ITEMS[GROUPS[[g]]]])
  # few people at the lowest level; outcomes of one stratum only; blanks
  made$y_rare <- ifelse(made$y == 1 & seq_len(600) %% 6 > 0, 2, made$y)
  made$y_one <- ifelse(made$stratum == "s1", made$y, NA)
  made$y_blank <- blank(made$y, 0.1)
  made$fa_blank <- blank(made$fa, 0.1)
  rownames(made) <- NULL
  made
}
write_data("forms", make_forms())

# ---------------------------------------------------------------- figures in long form
tables <- list()
figure <- function(x) {
  text <- trimws(formatC(as.numeric(x), digits = 17, format = "g"))
  ifelse(is.finite(as.numeric(x)), text, "")
}
put <- function(table, ...) {
  row <- data.frame(..., check.names = FALSE, stringsAsFactors = FALSE)
  for (it in names(row)) {
    if (is.numeric(row[[it]]) || is.logical(row[[it]])) row[[it]] <- figure(row[[it]])
  }
  tables[[table]] <<- rbind(tables[[table]], row)
}
case_of <- function(name, kind, formula) {   # long lists of items by one word
  short <- sub(all22, "items", sub(all5, "means", formula, fixed = TRUE), fixed = TRUE)
  paste(name, kind, short, sep = ": ")
}
put_terms <- function(case, value, spread, df) {
  names(value) <- sub("(Intercept)", "Intercept", names(value), fixed = TRUE)
  se <- sqrt(diag(spread))
  half <- if (df > 0) qt(0.975, df) * se else NA
  p <- if (df > 0) 2 * pt(-abs(value / se), df) else NA
  put("terms", case = case, term = names(value), value = value, se = se, low = value - half,
      high = value + half, df = df, p = p)
  at <- which(lower.tri(spread, diag = TRUE), arr.ind = TRUE)
  put("covariance", case = case, a = names(value)[at[, 1]], b = names(value)[at[, 2]],
      value = spread[at])
}

# ---------------------------------------------------------------- linear and binary models
tight <- glm.control(epsilon = 1e-14, maxit = 100)
quiet <- function(it) suppressWarnings(it)
fits <- list()
explained <- function(fit) {   # 1 − ℓ/ℓ₀, with ℓ₀ the mean alone; for a linear model of squares
  w <- weights(fit, "prior"); y <- fit$y; mu <- fitted(fit); middle <- sum(w * y) / sum(w)
  if (family(fit)$family == "gaussian") return(1 - sum(w * (y - mu)^2) / sum(w * (y - middle)^2))
  likely <- function(m) {
    sum(w * (ifelse(y > 0, y * log(m), 0) + ifelse(y < 1, (1 - y) * log(1 - m), 0)))
  }
  1 - likely(mu) / likely(rep(middle, length(y)))
}
# glm.fit returns the working weights of the step before its last; begun again from where it ended,
# they are those of the end. Without this the errors are right to 1e-7 only.
svyglm_of <- function(formula, design, model) {
  asked <- list(formula, design = design, family = model, control = tight)
  do.call(svyglm, c(asked, list(start = coef(do.call(svyglm, asked)))))
}
put_glm <- function(name, design, formula, kind = "gaussian", part = NULL) {
  case <- case_of(name, kind, formula)
  model <- if (kind == "gaussian") gaussian() else quasibinomial()
  inside <- if (is.null(part)) design else design[which(part(design$variables)), ]
  fit <- svyglm_of(as.formula(formula), inside, model)
  ends <- confint(fit, ddf = fit$df.residual)
  put_terms(case, coef(fit), vcov(fit), fit$df.residual)
  if (fit$df.residual > 0) {
    own <- tables$terms[tables$terms$case == case, ]
    same(own$low, ends[, 1], 1e-9); same(own$high, ends[, 2], 1e-9)
    same(own$p[own$p > 0], summary(fit)$coefficients[own$p > 0, 4], 1e-6)
  }
  put("cases", case = case, design = name, family = kind, formula = formula,
      n = length(fit$y), r_squared = explained(fit))
  fits[[case]] <<- fit
}

strat <- read_data("strat"); clus1 <- read_data("clus1"); clus2 <- read_data("clus2")
forms <- read_data("forms")
types <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
wide <- c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, sch_wideYes = 5122)
raked <- function(design) {
  calibrate(design, ~stype + sch_wide, calfun = "raking", epsilon = 1e-13, maxit = 200,
            population = wide)
}
designs <- list(
  strat = svydesign(ids = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = strat),
  strat_open = svydesign(ids = ~1, strata = ~stype, weights = ~pw, data = strat),
  plain = svydesign(ids = ~1, weights = rep(1, nrow(strat)), data = strat),
  clus1 = svydesign(ids = ~dnum, weights = ~pw, fpc = ~fpc, data = clus1),
  clus2 = svydesign(ids = ~dnum + snum, weights = ~pw, fpc = ~fpc1 + fpc2, data = clus2)
)
designs$clus1_post <- postStratify(designs$clus1, ~stype, types)
designs$clus1_raked <- raked(designs$clus1)
designs$strat_raked <- raked(designs$strat)
designs$forms <- svydesign(ids = ~cluster, strata = ~stratum, weights = ~w, nest = TRUE,
                           data = forms)
designs$forms_plain <- svydesign(ids = ~1, weights = rep(1, nrow(forms)), data = forms)

outside_h <- function(data) data$stype != "H"
for (name in setdiff(names(designs), c("forms", "forms_plain"))) {
  design <- designs[[name]]
  for (right in c("ell + meals + mobility", "stype + meals", "stype * meals",
                  "ell_blank + meals + mobility_blank")) {
    put_glm(name, design, paste("api00 ~", right))
  }
  for (right in c("ell + meals + mobility", "ell_blank + mobility_blank + kind")) {
    put_glm(name, design, paste("wide ~", right), "binomial")
  }
  put_glm(name, design, "api00_in ~ ell + meals + mobility", part = outside_h)
  put_glm(name, design, "wide_in ~ ell + meals", "binomial", part = outside_h)
  put_glm(name, design, "tested ~ meals + mobility", "binomial")   # an outcome between 0 and 1
}
put_glm("strat", designs$strat, "api00 ~ 0 + ell + meals")
put_glm("strat", designs$strat, "api00 ~ 0 + stype")
put_glm("clus2", designs$clus2, "api00 ~ kind * ell_blank + mobility")
for (right in c(all22, all5, paste(all5, "+ woman + channel"))) {
  put_glm("forms", designs$forms, paste("y ~", right))
  put_glm("forms", designs$forms, paste("satisfied ~", right), "binomial")
}
put_glm("forms_plain", designs$forms_plain, paste("y ~", all5))
# One stratum of six clusters: no degree of freedom is left, so no interval.
put_glm("forms", designs$forms, paste("y_one ~", all5), part = function(it) !is.na(it$y_one))
put_glm("forms", designs$forms, "y_one ~ fa + fb", part = function(it) !is.na(it$y_one))

# Samples of part 2: real strata of two clusters, odd ones, three stages, lonely clusters.
part2 <- function(name) read_data(name, "tests/reference/part2/")
designs$nhanes <- svydesign(ids = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE,
                            data = part2("nhanes"))
put_glm("nhanes", designs$nhanes, "HI_CHOL ~ agecat + RIAGENDR + race", "binomial")
odd <- function(name, ...) {
  svydesign(ids = ~cluster, strata = ~stratum, weights = ~w, nest = TRUE, data = part2(name), ...)
}
for (name in c("odd1", "odd1_fpc")) {
  designs[[name]] <- if (name == "odd1") odd("odd1") else odd("odd1", fpc = ~clusters)
  put_glm(name, designs[[name]], "y ~ z + flag + sex")
  put_glm(name, designs[[name]], "flag ~ y + sex + group", "binomial")
}
for (lonely in c("certainty", "adjust", "average")) {
  options(survey.lonely.psu = lonely)
  name <- paste0("odd2_", lonely)
  designs[[name]] <- odd("odd2")
  put_glm(name, designs[[name]], "y ~ z + group")
  put_glm(name, designs[[name]], "flag ~ z + sex", "binomial")
}
options(survey.lonely.psu = "fail")
designs$odd3 <- svydesign(ids = ~psu + ssu + tsu, strata = ~stratum, weights = ~w,
                          fpc = ~f1 + f2 + f3, nest = TRUE, data = part2("odd3"))
put_glm("odd3", designs$odd3, "y ~ z + group")
put_glm("odd3", designs$odd3, "flag ~ z + group", "binomial")
told("linear and binary models")

# ---------------------------------------------------------------- ordered logits
# svyolr of 4.1-1 takes its Hessian from optim: differences of slopes with a step of 0.001 in raw
# units, right to three or four digits. So the errors are made here from the exact Hessian, with
# Newton's steps to the very maximum, and svyrecvar; svyolr itself stands in others.csv, and
# ordinal::clm, which has the exact Hessian but no design, must agree with both pieces.
# l_i = log(F(A_i·par) − F(B_i·par)), A_i = (−x_i, e_y), B_i = (−x_i, e_{y−1}).
ordered_at <- function(par, x, y, w) {
  k <- ncol(x); q <- length(par) - k
  one <- function(level) {
    hot <- matrix(0, length(y), q); here <- level >= 1 & level <= q
    hot[cbind(which(here), level[here])] <- 1
    cbind(-x, hot)
  }
  A <- one(y); B <- one(y - 1); top <- y > q; bottom <- y == 1
  F <- function(M, to, end) ifelse(end, to, plogis(drop(M %*% par)))
  Fa <- F(A, 1, top); Fb <- F(B, 0, bottom)
  fa <- ifelse(top, 0, Fa * (1 - Fa)); fb <- ifelse(bottom, 0, Fb * (1 - Fb))
  P <- Fa - Fb
  score <- (fa * A - fb * B) / P
  H <- crossprod(A, w * fa * (1 - 2 * Fa) / P * A) - crossprod(B, w * fb * (1 - 2 * Fb) / P * B) -
    crossprod(score, w * score)
  list(par = par, likely = log(P), score = score, H = -H)
}
ordered_fit <- function(x, y, w) {
  q <- max(y) - 1
  below <- sapply(seq_len(q), function(c) sum(w[y <= c])) / sum(w)
  at <- ordered_at(c(rep(0, ncol(x)), qlogis(below)), x, y, w)
  for (step in 1:60) {
    move <- drop(solve(at$H, colSums(w * at$score)))
    repeat {
      cuts <- (at$par + move)[ncol(x) + seq_len(q)]
      new <- if (is.unsorted(cuts)) NULL else ordered_at(at$par + move, x, y, w)
      least <- sum(w * at$likely) - 1e-9 * abs(sum(w * at$likely))
      if (!is.null(new) && sum(w * new$likely) >= least) break
      move <- move / 2
    }
    at <- new
    if (max(abs(move) * sqrt(diag(at$H))) < 1e-11 * sqrt(sum(w))) return(at)
  }
  stop("no maximum")
}
put_olr <- function(name, design, formula, part = NULL) {
  case <- case_of(name, "ordinal", formula)
  data <- design$variables; formula_of <- as.formula(formula)
  outcome <- all.vars(formula_of)[1]
  frame <- model.frame(formula_of, data)
  x <- model.matrix(formula_of, frame)[, -1, drop = FALSE]
  rows <- match(rownames(frame), rownames(data))
  y <- as.numeric(factor(data[[outcome]][rows])); w <- weights(design, "sampling")[rows]
  cuts <- sort(unique(data[[outcome]][rows]))
  cuts <- paste(cuts[-length(cuts)], cuts[-1], sep = "|")
  at <- ordered_fit(x, y, w)
  names(at$par) <- c(colnames(x), cuts)
  z <- matrix(0, nrow(data), length(at$par))
  z[rows, ] <- (w * at$score) %*% solve(at$H)
  spread <- svyrecvar(z, design$cluster, design$strata, design$fpc, postStrata = design$postStrata)
  # As R svyolr: degf of the forms used less the number of slopes.
  inside <- design[rows, ]
  put_terms(case, at$par, spread, degf(inside) - ncol(x))
  none <- sum(w * log(tapply(w, y, sum) / sum(w))[y])
  put("cases", case = case, design = name, family = "ordinal", formula = formula, n = length(y),
      r_squared = 1 - sum(w * at$likely) / none)

  scaled <- transform(frame, .w = w / mean(w), .y = factor(y))
  other <- clm(update(formula_of, .y ~ .), data = scaled, weights = .w,
               control = clm.control(gradTol = 1e-10, maxIter = 200))
  order <- c(length(cuts) + seq_len(ncol(x)), seq_along(cuts))   # clm has cut points first
  same(at$par, coef(other)[order], 1e-8)
  same(diag(solve(at$H)) * mean(w), diag(vcov(other))[order], 1e-6)
  same(sum(w * at$likely) / mean(w), as.numeric(logLik(other)), 1e-12)
  fits[[case]] <<- c(at, list(x = x, y = y, w = w, rows = rows))
  # svyolr stops when forms are left out of a calibrated sample.
  if (!is.null(design$postStrata) && length(rows) < nrow(data)) return(invisible())
  of_r <- if (is.null(part)) design else design[which(part(data)), ]
  of_r$variables[[outcome]] <- factor(of_r$variables[[outcome]])
  r <- svyolr(formula_of, of_r, control = list(reltol = 1e-16, maxit = 5000))
  stopifnot(r$df.residual == degf(inside) - ncol(x))
  worst <- c(same(c(r$coefficients, r$zeta), at$par, 1e-3),
             same(sqrt(diag(r$var)), sqrt(diag(spread)), 2e-2))
  told(case, "svyolr differs by", format(worst, digits = 2))
  put("others", kind = "svyolr", case = case, term = names(at$par),
      value = c(r$coefficients, r$zeta), se = sqrt(diag(r$var)), df = r$df.residual, p = NA)
}
for (name in c("strat", "strat_open", "plain", "clus1", "clus2", "clus1_post", "strat_raked")) {
  put_olr(name, designs[[name]], "mealcat ~ ell + mobility")
  put_olr(name, designs[[name]], "mealcat ~ avg_ed + mobility")
  put_olr(name, designs[[name]], "mealcat ~ avg_ed + mobility + stype")
  put_olr(name, designs[[name]], "mealcat ~ mobility_blank + kind")
  put_olr(name, designs[[name]], "mealcat_in ~ ell + mobility", part = outside_h)
}
for (right in c(all5, all22, paste(all5, "+ woman + channel"))) {
  put_olr("forms", designs$forms, paste("y ~", right))
}
put_olr("forms", designs$forms, paste("y_rare ~", all5))
put_olr("forms", designs$forms, "y_one ~ fa + fb", part = function(it) !is.na(it$y_one))
put_olr("forms_plain", designs$forms_plain, paste("y ~", all5))

# polr of MASS: coefficients only; it counts Freq as so many people.
housing <- read_data("housing")
of_mass <- polr(factor(sat) ~ infl + type + cont, data = transform(housing,
  infl = factor(infl, c("Low", "Medium", "High")), cont = factor(cont, c("Low", "High")),
  type = factor(type, c("Tower", "Apartment", "Atrium", "Terrace"))), weights = freq,
  control = list(reltol = 1e-16, maxit = 5000))
stopifnot(round(coef(of_mass), 4) == c(.5664, 1.2888, -.5724, -.3662, -1.0910, .3603))
x <- model.matrix(~infl + type + cont, model.frame(of_mass))[, -1]
exact <- ordered_fit(x, housing$sat, housing$freq)$par
same(c(of_mass$coefficients, of_mass$zeta), exact, 1e-6)
put("others", kind = "polr", case = "housing", term = c(colnames(x), names(of_mass$zeta)),
    value = exact, se = NA, df = NA, p = NA)
told("ordered logits")

# ---------------------------------------------------------------- parallel slopes
# A binary logit at each cut; F = W (df − q + 1) / (df q), df = degf.
put_parallel <- function(name, formula) {
  design <- designs[[name]]; data <- design$variables; formula_of <- as.formula(formula)
  frame <- model.frame(formula_of, data); rows <- match(rownames(frame), rownames(data))
  inside <- design[rows, ]
  y <- frame[[1]]; levels <- sort(unique(y))
  slopes <- z <- NULL; used <- character()
  for (level in levels[-1]) {
    if (min(sum(y >= level), sum(y < level)) < 10) next
    inside$variables$.above <- as.numeric(inside$variables[[all.vars(formula_of)[1]]] >= level)
    fit <- svyglm_of(update(formula_of, .above ~ .), inside, quasibinomial())
    # The influence of each form: as svy.varcoef() of the package, whose covariance it must give.
    own <- (model.matrix(fit) * resid(fit, "working") * fit$weights) %*% fit$naive.cov
    alone <- svyrecvar(own, inside$cluster, inside$strata, inside$fpc,
                       postStrata = inside$postStrata)
    same(alone, vcov(fit), 1e-8)
    slopes <- rbind(slopes, coef(fit)[-1])
    z <- cbind(z, own[, -1, drop = FALSE]); used <- c(used, level)
  }
  case <- case_of(name, "ordinal", formula)
  for (c in seq_along(used)) {
    put("others", kind = "slope", case = case, term = paste(used[c], colnames(slopes), sep = "|"),
        value = slopes[c, ], se = NA, df = NA, p = NA)
  }
  k <- ncol(slopes); q <- k * (length(used) - 1); df <- degf(inside)
  if (q == 0 || df - q + 1 <= 0) {
    put("others", kind = "parallel", case = case, term = as.character(q), value = NA, se = NA,
        df = NA, p = NA)
    return(invisible())
  }
  spread <- svyrecvar(z, inside$cluster, inside$strata, inside$fpc, postStrata = inside$postStrata)
  differ <- cbind(do.call(rbind, rep(list(-diag(k)), length(used) - 1)), diag(q))
  gap <- drop(differ %*% as.vector(t(slopes)))
  W <- drop(gap %*% solve(differ %*% spread %*% t(differ), gap))
  F <- W * (df - q + 1) / (df * q)
  put("others", kind = "parallel", case = case, term = as.character(q), value = F, se = NA,
      df = df - q + 1, p = pf(F, q, df - q + 1, lower.tail = FALSE))
}
for (name in c("strat", "strat_open", "plain", "clus1", "clus2")) {
  put_parallel(name, "mealcat ~ ell + mobility")
  put_parallel(name, "mealcat_in ~ ell + mobility")
  put_parallel(name, "mealcat ~ mobility_blank + kind")
}
put_parallel("forms", paste("y ~", all5))
put_parallel("forms", paste("y ~", all5, "+ woman + channel"))
put_parallel("forms", paste("y_rare ~", all5))     # the lowest cut has too few below it
put_parallel("forms", paste("y ~", all22))         # more slopes than clusters: no test
put_parallel("forms_plain", paste("y ~", all5))
told("parallel slopes")

# ---------------------------------------------------------------- errors of anything
# The infinitesimal jackknife: the slope of a figure by the weight of each unit (four-point
# differences), then svyrecvar. It needs nothing but the figure as a function of the weights.
STEP <- 0.01
slopes_by <- function(figure_of, weight, units) {
  t(sapply(unique(units), function(unit) {
    at <- function(step) figure_of(weight * ifelse(units == unit, 1 + step, 1))
    (8 * (at(STEP) - at(-STEP)) - (at(2 * STEP) - at(-2 * STEP))) / (12 * STEP)
  }))
}
spread_of <- function(design, figure_of, units = NULL) {
  n <- nrow(design$variables)
  units <- if (is.null(units)) seq_len(n) else units
  found <- slopes_by(figure_of, weights(design, "sampling"), units)
  z <- matrix(0, n, length(found) / length(unique(units)))
  z[match(unique(units), units), ] <- found
  svyrecvar(z, design$cluster, design$strata, design$fpc, postStrata = design$postStrata)
}
psu <- function(design) {
  as.integer(interaction(design$strata[, 1], design$cluster[, 1], drop = TRUE))
}
local({   # it gives what svyglm gives
  x <- cbind(1, as.matrix(forms[MEANS]))
  coefficients_of <- function(w) {
    quiet(glm.fit(x, forms$satisfied, w, family = binomial(), control = tight))$coefficients
  }
  spread <- spread_of(designs$forms, coefficients_of, psu(designs$forms))
  same(spread, vcov(fits[["forms: binomial: satisfied ~ means"]]), 1e-8)
})

# ---------------------------------------------------------------- average effects in points
# 100 · Σ w ∂P/∂x / Σ w, or from 0 to 1 for a column of these. A factor: everyone at that level
# against everyone at the first one. The people over whom is averaged are part of the sample, too.
put_margins <- function(name, formula, kind, cut = NA, units = psu) {
  design <- designs[[name]]; formula_of <- as.formula(formula)
  frame <- model.frame(formula_of, design$variables)
  rows <- match(rownames(frame), rownames(design$variables))
  x <- model.matrix(formula_of, frame); y <- frame[[1]]
  groups <- attr(x, "assign")
  levels <- sort(unique(y))
  figure_of <- function(all) {
    w <- all[rows]
    if (kind == "binomial") {
      fit <- quiet(glm.fit(x, y, w / mean(w), family = binomial(), control = tight))
      b <- fit$coefficients
    } else {
      par <- ordered_fit(x[, -1, drop = FALSE], match(y, levels), w)$par
      # P(y >= cut) = F(x b − cut point below it)
      b <- c(-par[ncol(x) - 1 + match(cut, levels) - 1], par[seq_len(ncol(x) - 1)])
    }
    chance <- function(x) plogis(drop(x %*% b))
    average <- function(it) 100 * sum(w * it) / sum(w)
    sapply(2:ncol(x), function(k) {
      if (!all(x[, k] %in% 0:1)) return(average(dlogis(drop(x %*% b)) * b[k]))
      first <- second <- x
      first[, groups == groups[k]] <- second[, groups == groups[k]] <- 0
      first[, k] <- 1
      average(chance(first) - chance(second))
    })
  }
  value <- figure_of(weights(design, "sampling"))
  spread <- spread_of(design, figure_of, if (is.null(units)) NULL else units(design))
  put("others", kind = paste0("margin", if (!is.na(cut)) cut), case = case_of(name, kind, formula),
      term = colnames(x)[-1], value = value, se = sqrt(diag(spread)), df = NA, p = NA)
}
put_margins("forms", paste("satisfied ~", all5), "binomial")
put_margins("forms", paste("satisfied ~", all5, "+ woman + channel"), "binomial")
put_margins("strat", "wide ~ ell + meals + mobility", "binomial", units = NULL)
put_margins("strat", "wide ~ ell_blank + mobility_blank + kind", "binomial", units = NULL)
put_margins("clus2", "wide ~ ell + meals + mobility", "binomial", units = NULL)
put_margins("clus1_post", "wide ~ ell + meals + mobility", "binomial", units = NULL)
for (cut in 4:5) put_margins("forms", paste("y ~", all5), "ordinal", cut)
told("margins")

# ---------------------------------------------------------------- collinearity
# 1/(1 − R²) of each on the others, by lm; condition: root of largest over smallest eigenvalue.
put_vif <- function(name, terms, weighted = TRUE) {
  data <- designs[[name]]$variables
  w <- if (weighted) weights(designs[[name]], "sampling") else rep(1, nrow(data))
  data$.w <- w   # lm looks for its weights among the columns first
  vif <- sapply(terms, function(it) {
    1 / (1 - summary(lm(reformulate(setdiff(terms, it), it), data, weights = .w))$r.squared)
  })
  r <- cov.wt(data[terms], w, cor = TRUE, method = "ML")$cor
  roots <- eigen(r)$values
  case <- paste0(name, if (!weighted) ": equal", ": ", paste(terms, collapse = " + "))
  put("others", kind = "vif", case = case, term = terms, value = vif, se = NA, df = NA, p = NA)
  put("others", kind = "strongest", case = case, term = terms,
      value = apply(abs(r - diag(nrow(r))), 1, max), se = NA, df = NA, p = NA)
  put("others", kind = "condition", case = case, term = "",
      value = sqrt(roots[1] / roots[length(roots)]), se = NA, df = NA, p = NA)
}
for (weighted in c(TRUE, FALSE)) {
  put_vif("forms", MEANS, weighted); put_vif("forms", ITEMS, weighted)
  put_vif("strat", c("ell", "meals", "mobility", "api99"), weighted)
}

# ---------------------------------------------------------------- shares of R²
# Players join one after another; a value is the mean, over all orders, of what joining adds.
orders <- function(it) {   # one order per row
  if (length(it) <= 1) return(matrix(it, 1))
  do.call(rbind, lapply(seq_along(it), function(k) cbind(it[k], orders(it[-k]))))
}
orders_of_groups <- function(groups) {   # groups come whole, in any order, and so do their players
  do.call(rbind, apply(orders(seq_along(groups)), 1, function(order) {
    Reduce(function(a, b) cbind(a[rep(seq_len(nrow(a)), each = nrow(b)), , drop = FALSE],
                                b[rep(seq_len(nrow(b)), nrow(a)), , drop = FALSE]),
           lapply(groups[order], orders))
  }, simplify = FALSE))
}
# The value of each player as a sum over the 2^m coalitions (coalition = bits, counted from 1).
sums_over <- function(order) {
  m <- ncol(order); found <- matrix(0, m, 2^m); before <- rep(1, nrow(order))
  for (place in seq_len(m)) {
    who <- order[, place]; after <- before + 2^(who - 1)
    up <- table(factor(who, seq_len(m)), factor(after, seq_len(2^m)))
    down <- table(factor(who, seq_len(m)), factor(before, seq_len(2^m)))
    found <- found + unclass(up) - unclass(down)
    before <- after
  }
  found / nrow(order)
}
coalitions <- function(m) {
  lapply(seq_len(2^m) - 1, function(bits) which(bitwAnd(bits, 2^(seq_len(m) - 1)) > 0))
}
# What a coalition explains, by lm; and the same from the weighted covariance, for many weights.
worth_by_lm <- function(data, outcome, players, w) {
  data$.w <- w
  sapply(coalitions(length(players)), function(inside) {
    if (!length(inside)) return(0)
    summary(lm(reformulate(unlist(players[inside]), outcome), data, weights = .w))$r.squared
  })
}
covariance_of <- function(U, w) cov.wt(U, w / sum(w), method = "ML")$cov
explains <- function(S, set) {
  y <- ncol(S)
  if (!length(set)) return(0)
  drop(S[y, set] %*% solve(S[set, set, drop = FALSE], S[set, y])) / S[y, y]
}
worth_by_covariance <- function(S, columns) {
  sapply(coalitions(length(columns)), function(inside) explains(S, unlist(columns[inside])))
}
# Owen's values without orders: other groups H × own players T, each with its weight.
owen_by_sums <- function(S, groups) {
  weight <- function(t, m) factorial(t) * factorial(m - t - 1) / factorial(m)
  unlist(lapply(seq_along(groups), function(g) {
    own <- groups[[g]]; others <- groups[-g]; value <- numeric(length(own))
    for (H in coalitions(length(others))) {
      before <- unlist(others[H])
      worth <- sapply(coalitions(length(own)), function(T) explains(S, c(before, own[T])))
      for (k in seq_along(own)) for (bits in seq_len(2^length(own)) - 1) {
        if (bitwAnd(bits, 2^(k - 1)) > 0) next
        T <- sum(bitwAnd(bits, 2^(seq_along(own) - 1)) > 0)
        value[k] <- value[k] + weight(length(H), length(groups)) * weight(T, length(own)) *
          (worth[bits + 2^(k - 1) + 1] - worth[bits + 1])
      }
    }
    value
  }))
}
# Johnson (2000): Λ = V D^½ Vᵀ, β = Λ⁻¹ r, ε = Λ² β².
relative_weights <- function(S) {
  R <- cov2cor(S); y <- ncol(R); e <- eigen(R[-y, -y], symmetric = TRUE)
  L <- e$vectors %*% diag(sqrt(e$values)) %*% t(e$vectors)
  drop(L^2 %*% solve(L, R[-y, y])^2)
}
# All coalitions of all items: what each subset of the first half leaves of the rest (solve), then
# the second half one by one, for all subsets of the first half at a time. Sums over 2^m numbers.
lmg_of_all <- function(S) {
  m <- ncol(S) - 1; first <- m %/% 2; rest <- (first + 1):(m + 1)
  left <- array(0, c(2^first, length(rest), length(rest)))
  for (at in seq_len(2^first)) {
    set <- which(bitwAnd(at - 1, 2^(seq_len(first) - 1)) > 0)
    left[at, , ] <- if (!length(set)) S[rest, rest] else {
      S[rest, rest] - S[rest, set, drop = FALSE] %*% solve(S[set, set], S[set, rest, drop = FALSE])
    }
  }
  r2 <- numeric(2^m)
  walk <- function(left, item, bits) {
    size <- dim(left)[2]
    if (size == 1) {
      r2[bits * 2^first + seq_len(2^first)] <<- 1 - left[, 1, 1] / S[m + 1, m + 1]
      return(invisible())
    }
    out <- inside <- left[, -1, -1, drop = FALSE]
    for (j in 2:size) {
      inside[, , j - 1] <- inside[, , j - 1] - left[, -1, 1] * (left[, 1, j] / left[, 1, 1])
    }
    walk(out, item + 1, bits); walk(inside, item + 1, bits + 2^(item - 1))
  }
  walk(left, 1, 0)
  size <- Reduce(function(it, k) c(it, it + 1L), seq_len(m), 0L)
  weight <- factorial(0:(m - 1)) * factorial((m - 1):0) / factorial(m)
  sapply(seq_len(m), function(k) {
    shape <- c(2^(k - 1), 2, 2^(m - k))
    worth <- array(r2, shape); count <- array(size, shape)
    sum(weight[count[, 1, ] + 1] * (worth[, 2, ] - worth[, 1, ]))
  })
}

put_shares <- function(case, drivers, value, spread = NULL, share_spread = NULL, df = NA,
                       jack = NA) {
  share <- value / sum(value)
  se <- if (is.null(spread)) NA else sqrt(diag(spread))
  share_se <- if (is.null(spread)) NA else sqrt(diag(share_spread))
  t <- if (is.null(spread)) NA else qt(0.975, df)
  put("importance", case = case, driver = drivers, value = value, share = share, se = se,
      low = pmax(value - t * se, 0), high = pmin(value + t * se, 1), df = df,
      share_low = pmax(share - t * share_se, 0), share_high = pmin(share + t * share_se, 1),
      jackknife = jack)
}
# Values, both errors by the infinitesimal jackknife, and (forms) R's own JKn jackknife.
put_played <- function(case, name, drivers, value, figure_of, units = psu, jack = TRUE) {
  design <- designs[[name]]; m <- length(drivers)
  same(figure_of(weights(design, "sampling")), value, 1e-8)
  both <- function(w) { it <- figure_of(w); c(it, it / sum(it)) }
  spread <- spread_of(design, both, if (is.null(units)) NULL else units(design))
  left <- NA
  if (jack) {
    replicates <- as.svrepdesign(design, type = "JKn", compress = FALSE, mse = TRUE)
    left <- as.numeric(SE(withReplicates(replicates, function(w, data) figure_of(w))))
  }
  inside <- attr(figure_of, "rows")
  df <- degf(if (is.null(inside)) design else design[inside, ])
  put_shares(case, drivers, value, spread[1:m, 1:m], spread[m + 1:m, m + 1:m], df, left)
  told(case)
}
linear <- function(name, outcome, columns, of_covariance) {
  data <- designs[[name]]$variables
  rows <- which(complete.cases(data[c(columns, outcome)]))
  U <- as.matrix(data[rows, c(columns, outcome)])
  structure(function(w) of_covariance(covariance_of(U, w[rows])), rows = rows)
}
put_lmg <- function(case, name, outcome, columns, players = as.list(columns), drivers = columns,
                    order = orders(seq_along(players)), ...) {
  design <- designs[[name]]
  rows <- complete.cases(design$variables[c(columns, outcome)])
  sums <- sums_over(order)
  value <- drop(sums %*% worth_by_lm(design$variables[rows, ], outcome, players,
                                     weights(design, "sampling")[rows]))
  at <- lapply(players, match, columns)
  of_covariance <- function(S) drop(sums %*% worth_by_covariance(S, at))
  put_played(case, name, drivers, value, linear(name, outcome, columns, of_covariance), ...)
}
EIGHT <- c("d01", "d02", "d05", "d08", "d10", "d13", "d18", "d19")
THREE <- list(p = c("d01", "d02"), q = c("d05", "d08", "d06"), r = c("d10", "d13", "d15"))
THREE_AT <- list(1:2, 3:5, 6:8)
for (name in c("forms", "forms_plain")) {
  ends <- if (name == "forms") psu else NULL
  many <- name == "forms"
  put_lmg(paste0(name, ": lmg 5"), name, "y", MEANS, units = ends, jack = many)
  put_lmg(paste0(name, ": lmg 8"), name, "y", EIGHT, units = ends, jack = many)
}
put_lmg("forms: lmg 22 grouped", "forms", "y", ITEMS, drivers = names(GROUPS),
        players = lapply(GROUPS, function(it) ITEMS[it]))
put_lmg("forms: lmg 8 grouped", "forms", "y", unlist(THREE), drivers = names(THREE),
        players = THREE)
put_lmg("forms: owen 8", "forms", "y", unlist(THREE), order = orders_of_groups(THREE_AT))
put_lmg("forms: lmg blank", "forms", "y_blank", c("fa_blank", "fb", "fc"))
put_lmg("forms: lmg one", "forms", "y_one", c("fa", "fb", "fc"), jack = FALSE)   # one stratum
for (name in c("strat", "clus1", "clus2", "clus1_post", "strat_raked", "plain")) {
  put_lmg(paste0(name, ": lmg api"), name, "api00", c("ell", "meals", "mobility"), units = NULL,
          jack = FALSE)
}
for (name in c("clus2", "clus1_post")) {
  put_lmg(paste0(name, ": lmg api blank"), name, "api00_in",
          c("ell_blank", "meals", "mobility_blank"), units = NULL, jack = FALSE)
}
# Text: its levels join together.
local({
  w <- weights(designs$forms); sums <- sums_over(orders(1:4))
  value <- drop(sums %*% worth_by_lm(forms, "y", list("fa", "fb", "channel", "woman"), w))
  U <- cbind(model.matrix(~fa + fb + channel + woman, forms)[, -1], forms$y)
  put_played("forms: lmg text", "forms", c("fa", "fb", "channel", "woman"), value, function(w) {
    drop(sums %*% worth_by_covariance(covariance_of(U, w), list(1, 2, 3:4, 5)))
  })
})

all_items <- covariance_of(as.matrix(forms[c(ITEMS, "y")]), weights(designs$forms))
local({   # the quick ways agree with plain orders
  S <- covariance_of(as.matrix(forms[c(unlist(THREE), "y")]), weights(designs$forms))
  worth <- worth_by_covariance(S, as.list(1:8))
  same(owen_by_sums(S, THREE_AT), sums_over(orders_of_groups(THREE_AT)) %*% worth, 1e-10)
  same(lmg_of_all(S), sums_over(orders(1:8)) %*% worth, 1e-10)
})
put_played("forms: owen 22", "forms", ITEMS, owen_by_sums(all_items, GROUPS),
           linear("forms", "y", ITEMS, function(S) owen_by_sums(S, GROUPS)), jack = FALSE)
put_shares("forms: lmg 22", ITEMS, lmg_of_all(all_items))
for (columns in list(MEANS, ITEMS)) {
  of <- linear("forms", "y", columns, relative_weights)
  value <- of(weights(designs$forms))
  put_played(paste("forms: johnson", length(columns)), "forms", columns, value, of)
}
of <- linear("forms_plain", "y", MEANS, relative_weights)
put_played("forms_plain: johnson 5", "forms_plain", MEANS, of(rep(1, 600)), of, units = NULL,
           jack = FALSE)

# McFadden's R² = 1 − ℓ/ℓ₀ in place of R². Of 0 and 1 the deviance is −2ℓ.
likelihoods <- function(name, outcome, columns, kind, order) {
  data <- designs[[name]]$variables; y <- data[[outcome]]; sums <- sums_over(order)
  function(all) {
    w <- all / mean(all)
    each <- sapply(coalitions(length(columns)), function(inside) {
      x <- as.matrix(data[columns[inside]])
      if (kind == "ordinal") {
        if (!length(inside)) return(sum(w * log(tapply(w, y, sum) / sum(w))[as.character(y)]))
        return(sum(w * ordered_fit(x, y, w)$likely))
      }
      x <- cbind(rep(1, length(y)), x)
      -quiet(glm.fit(x, y, w, family = quasibinomial(), control = tight))$deviance / 2
    })
    drop(sums %*% (1 - each / each[1]))
  }
}
for (name in c("forms", "forms_plain")) {
  ends <- if (name == "forms") psu else NULL
  for (kind in c("binomial", "ordinal")) {
    outcome <- if (kind == "binomial") "satisfied" else "y"
    of <- likelihoods(name, outcome, MEANS, kind, orders(1:5))
    value <- of(weights(designs[[name]], "sampling"))
    if (name == "forms") {
      put_played(paste0(name, ": lmg ", kind), name, MEANS, value, of)
      next
    }
    if (kind == "binomial") {   # by logLik of glm, which is for whole weights
      plain <- sapply(coalitions(5), function(inside) {
        formula_of <- reformulate(c("1", MEANS[inside]), outcome)
        as.numeric(logLik(glm(formula_of, binomial(), forms, control = tight)))
      })
    } else {
      plain <- sapply(coalitions(5), function(inside) {
        as.numeric(logLik(polr(reformulate(c("1", MEANS[inside]), "factor(y)"), forms,
                               control = list(reltol = 1e-16, maxit = 5000))))
      })
    }
    same(value, sums_over(orders(1:5)) %*% (1 - plain / plain[1]), 1e-8)
    put_shares(paste0(name, ": lmg ", kind), MEANS, value)
    told(name, kind)
  }
}
of <- likelihoods("forms", "satisfied", unlist(THREE), "binomial", orders_of_groups(THREE_AT))
put_shares("forms: owen binomial", unlist(THREE), of(weights(designs$forms)))

keys <- list(cases = "case", terms = c("case", "term"), covariance = c("case", "a", "b"),
             others = c("kind", "case", "term"), importance = c("case", "driver"))
for (name in names(keys)) {
  stopifnot(!anyDuplicated(tables[[name]][keys[[name]]]))
  write.csv(tables[[name]], paste0(folder, name, ".csv"), row.names = FALSE, quote = FALSE)
}
writeLines(capture.output(sessionInfo()), paste0(folder, "sessionInfo.txt"))
told(sapply(tables, nrow), "rows of", names(tables))
