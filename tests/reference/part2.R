# Figures of the design-based estimates by R `survey`: numbers that this package did not make.
#   Rscript tests/reference/part2.R            (from the top of the repository)
# writes tests/reference/part2/<data>.csv      samples of R `survey`, and odd ones made here
#        tests/reference/part2/expected.csv    one row per estimate, see test_part2.py
#        tests/reference/part2/sessionInfo.txt
# All figures are made from the files as written, so that both sides read the same numbers.
suppressMessages(library(survey))
options(warn = 1)
folder <- "tests/reference/part2/"

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
read_data <- function(name) {
  read.csv(paste0(folder, name, ".csv"), stringsAsFactors = FALSE, na.strings = "")
}

data(api); data(nhanes); data(scd)
kept <- c("stype", "awards", "sch.wide", "dnum", "snum", "api00", "api99", "enroll", "api.stu",
          "meals", "pw")
write_data("apistrat", apistrat[c(kept, "fpc")])
write_data("apiclus2", apiclus2[c(kept, "fpc1", "fpc2")])
nhanes$agecat <- gsub(",", "-", gsub("[](]", "", as.character(nhanes$agecat)))
write_data("nhanes", nhanes)

# Resampled districts, written as whole weights, with the seed that the next draws continue.
set.seed(20260101)
drawn <- as.svrepdesign(svydesign(ids = ~dnum, weights = ~pw, data = apiclus1),
                        type = "bootstrap", replicates = 40, compress = FALSE)
boot <- as.data.frame(unclass(weights(drawn, "analysis")))
names(boot) <- sprintf("b%02d", seq_along(boot))
write_data("apiclus1", cbind(apiclus1[c(kept, "fpc")], boot))

scd$w <- 1
scd$r1 <- 2 * c(1, 0, 1, 0, 1, 0); scd$r2 <- 2 * c(1, 0, 0, 1, 0, 1)
scd$r3 <- 2 * c(0, 1, 1, 0, 0, 1); scd$r4 <- 2 * c(0, 1, 0, 1, 1, 0)
write_data("scd", scd)

blank <- function(x, share) { x[runif(length(x)) < share] <- NA; x }
sample_of <- function(clusters_by_stratum, sizes) {
  made <- do.call(rbind, lapply(seq_along(clusters_by_stratum), function(h) {
    data.frame(stratum = paste0("s", h), cluster = seq_len(clusters_by_stratum[h]))
  }))
  made <- made[rep(seq_len(nrow(made)), sample(sizes, nrow(made), replace = TRUE)), ]
  label <- paste(made$stratum, made$cluster)
  effect <- rnorm(length(unique(label)))[match(label, unique(label))]
  n <- nrow(made)
  made$w <- exp(runif(n, 0, log(1000)))
  made$y <- 50 + 5 * effect + rnorm(n, sd = 8)
  made$z <- 80 + 3 * effect + 0.5 * made$y + rnorm(n, sd = 5)
  made$flag <- as.numeric(0.5 * effect + rnorm(n) > 0.4)
  made$choice <- sample(c("a", "b", "c"), n, replace = TRUE, prob = c(6, 3, 1))
  made$sex <- sample(c("f", "m"), n, replace = TRUE)
  rownames(made) <- NULL
  made
}

# 1: very unequal strata, clusters cut by domains, domains absent from clusters and from strata,
#    blanks of each column its own, weights over three orders of magnitude, restarting ids.
odd1 <- sample_of(c(2, 3, 9, 24, 4), 1:15)
odd1$group <- sample(c("north", "south"), nrow(odd1), replace = TRUE)
odd1$group[odd1$cluster %in% c(2, 5, 11) & odd1$stratum != "s2" & runif(nrow(odd1)) < 0.7] <- "rare"
odd1$group[odd1$stratum == "s1"] <- "south"
odd1$group <- blank(odd1$group, 0.03)
odd1$y <- blank(odd1$y, 0.1); odd1$z <- blank(odd1$z, 0.2)
odd1$flag <- blank(odd1$flag, 0.1); odd1$choice <- blank(odd1$choice, 0.05)
odd1$clusters <- c(s1 = 5, s2 = 40, s3 = 30, s4 = 25, s5 = 400)[odd1$stratum]
write_data("odd1", odd1)

# 2: strata with one cluster. Domain "few" is absent from one of them.
odd2 <- sample_of(c(1, 4, 1, 5, 3, 1), 4:9)
odd2$group <- sample(c("few", "many"), nrow(odd2), replace = TRUE, prob = c(1, 2))
odd2$group[odd2$stratum == "s3"] <- "many"
odd2$y <- blank(odd2$y, 0.1)
write_data("odd2", odd2)

# 3: three stages with a fraction at each; ids restart inside their parents.
odd3 <- do.call(rbind, lapply(1:2, function(h) do.call(rbind, lapply(1:(4 + 2 * h), function(i) {
  n2 <- sample(2:4, 1)
  do.call(rbind, lapply(seq_len(n2), function(j) {
    n3 <- sample(2:5, 1)
    data.frame(stratum = h, psu = i, ssu = j, tsu = seq_len(n3), f1 = c(0.2, 0.4)[h],
               f2 = n2 / (5 + i %% 3), f3 = n3 / (6 + j),
               base = 20 + 3 * i - 2 * j)
  }))
}))))
odd3$w <- 1 / (odd3$f1 * odd3$f2 * odd3$f3)
odd3$y <- odd3$base + rnorm(nrow(odd3), sd = 4)
odd3$z <- 2 * odd3$base + rnorm(nrow(odd3), sd = 4)
odd3$flag <- as.numeric(odd3$y > 27)
odd3$group <- sample(c("p", "q"), nrow(odd3), replace = TRUE)
odd3$y <- blank(odd3$y, 0.08)
odd3$base <- NULL
write_data("odd3", odd3)

# 4: each form its own cluster.
odd4 <- sample_of(c(30, 60, 20), 1)
odd4$group <- sample(c("p", "q", "r"), nrow(odd4), replace = TRUE)
write_data("odd4", odd4)

# 5: a domain in one cluster, and one in a cluster of each of two strata: no degree of freedom.
odd5 <- sample_of(c(4, 4, 5), 6:10)
odd5$group <- "other"
odd5$group[odd5$stratum == "s1" & odd5$cluster == 3] <- "solo"
odd5$group[odd5$stratum %in% c("s2", "s3") & odd5$cluster == 2] <- "pair"
write_data("odd5", odd5)

# 6: a large mean and a small spread.
odd6 <- sample_of(c(5, 7, 4), 3:8)
odd6$y <- 1e6 + rnorm(nrow(odd6)); odd6$z <- 1e6 + rnorm(nrow(odd6))
odd6$group <- sample(c("p", "q"), nrow(odd6), replace = TRUE)
write_data("odd6", odd6)

# Two clusters in each of seven strata: half-samples by R, and the jackknife, as columns.
pairs <- sample_of(rep(2, 7), 8:14)
pairs$group <- sample(c("p", "q"), nrow(pairs), replace = TRUE)
pairs$y <- blank(pairs$y, 0.1)
paired <- svydesign(ids = ~cluster, strata = ~stratum, weights = ~w, data = pairs, nest = TRUE)
columns_of <- function(prefix, type, kind, ...) {
  made <- unclass(weights(as.svrepdesign(paired, type = type, compress = FALSE, ...), kind))
  made <- as.data.frame(made); names(made) <- sprintf("%s%02d", prefix, seq_along(made)); made
}
half <- columns_of("h", "BRR", "replication")
fay <- columns_of("f", "Fay", "replication", fay.rho = 0.3)
jack <- columns_of("j", "JKn", "analysis")
write_data("pairs", cbind(pairs, half, fay, jack))

# ---------------------------------------------------------------- figures in long form
made <- list()
figure <- function(x) {
  text <- trimws(formatC(as.numeric(x), digits = 17, format = "g"))
  ifelse(is.finite(as.numeric(x)), text, "")
}
put <- function(case, statistic, variable, answer = "", by = character(), domain = "", value,
                se = NA, low = NA, high = NA, df = NA, deff = NA, method = "") {
  made[[length(made) + 1]] <<- data.frame(
    case, statistic, variable, answer, by = paste(by, collapse = "|"), domain,
    value = figure(value), se = figure(se), low = figure(low), high = figure(high),
    df = figure(df), deff = figure(deff), method
  )
}

# Each domain as its rows; a form with a blank key is in none.
rows_by <- function(design, by) {
  if (length(by) == 0) return(list(seq_len(nrow(design$variables))))
  keys <- design$variables[by]
  label <- ifelse(complete.cases(keys), do.call(paste, c(keys, sep = "|")), NA)
  split(seq_along(label), label)
}
# Each variable drops its own blanks only; the domain and the blanks are cut in one go.
each_domain <- function(design, by, known, act) {
  parts <- rows_by(design, by)
  for (name in if (length(by)) names(parts) else "") {
    rows <- intersect(if (length(by)) parts[[name]] else parts[[1]], which(known))
    if (length(rows)) act(design[rows, ], name)
  }
}
replicated <- function(design) inherits(design, "svyrep.design")
calibrated <- function(design) !is.null(design$postStrata)
answers_in <- function(inside) sum(weights(inside, "sampling") != 0)

# An error of rounding (a domain in one cluster) is none; its interval and effect say nothing.
put_figures <- function(case, statistic, found, inside, size, effect, ...) {
  value <- as.numeric(coef(found)); se <- as.numeric(SE(found)); df <- degf(inside)
  limits <- c(NA, NA)
  if (se < 1e-12 * size) { se <- 0; effect <- NA }
  else if (df > 0) limits <- as.numeric(confint(found, df = df))
  put(case, statistic, value = value, se = se, low = limits[1], high = limits[2], df = df,
      deff = effect, ...)
}

put_number <- function(case, design, statistic, variable, by) {
  design$variables$.x <- as.numeric(design$variables[[variable]])
  make <- if (statistic == "mean") svymean else svytotal
  each_domain(design, by, !is.na(design$variables$.x), function(inside, domain) {
    found <- make(~.x, inside, na.rm = TRUE, deff = "replace")
    size <- max(abs(inside$variables$.x), na.rm = TRUE)
    if (statistic == "total") size <- size * sum(weights(inside, "sampling"))
    put_figures(case, statistic, found, inside, size, as.numeric(deff(found)),
                variable = variable, by = by, domain = domain)
  })
}

put_ratio <- function(case, design, names, by) {
  design$variables$.x <- as.numeric(design$variables[[names[1]]])
  design$variables$.y <- as.numeric(design$variables[[names[2]]])
  known <- complete.cases(design$variables[c(".x", ".y")])
  each_domain(design, by, known, function(inside, domain) {
    # R 4.1-1: svyratio(deff =) of a replicate design stops ("not interpretable as logical").
    effect <- NA
    if (replicated(inside)) found <- svyratio(~.x, ~.y, inside, na.rm = TRUE)
    else {
      found <- svyratio(~.x, ~.y, inside, na.rm = TRUE, deff = "replace")
      effect <- as.numeric(attr(found, "deff"))
    }
    put_figures(case, "ratio", found, inside, abs(as.numeric(coef(found))), effect,
                variable = paste(names, collapse = "/"), by = by, domain = domain)
  })
}

put_proportion <- function(case, design, variable, by) {
  given <- design$variables[[variable]]
  answers <- if (is.numeric(given)) "" else sort(unique(given[!is.na(given)]))
  for (answer in answers) {
    design$variables$.x <- if (is.numeric(given)) given else as.numeric(given == answer)
    each_domain(design, by, !is.na(given), function(inside, domain) {
      found <- svymean(~.x, inside, na.rm = TRUE, deff = "replace")
      p <- as.numeric(coef(found)); se <- as.numeric(SE(found)); df <- degf(inside)
      n <- answers_in(inside)
      row <- function(method, limits = c(NA, NA), effect = as.numeric(deff(found))) {
        put(case, "proportion", variable, answer, by, domain, p, if (se < 1e-12) 0 else se,
            limits[1], limits[2], df, effect, method)
      }
      if (p < 1e-12 || p > 1 - 1e-12 || se < 1e-12 || df == 0) return(row("", effect = NA))
      limits <- function(method) {
        as.numeric(attr(svyciprop(~.x, inside, method = method, df = df, na.rm = TRUE), "ci"))
      }
      row("wald", limits("mean"))
      # "logit" of R is a fit that stops early, "xlogit" the same in closed form; of replicates
      # "logit" is the spread of their logits, "xlogit" still the slope times the error of p.
      row("logit", limits("xlogit"))
      if (!replicated(inside) && !calibrated(inside)) {
        stopifnot(all.equal(limits("logit"), limits("xlogit"), tol = 1e-5))
      }
      # No cap in R; and nrow() of a part of a calibrated design is that of the whole, a fault.
      wide <- (qt(0.025, n - 1) / qt(0.025, df))^2
      if (!calibrated(inside) && p * (1 - p) / se^2 * max(1, wide) < n) row("beta", limits("beta"))
    })
  }
}

# Contrasts and covariances; R has no rule for their degrees of freedom, so none are written.
put_contrast <- function(case, method, found, variable, by = character(), domain = "") {
  put(case, "contrast", paste(variable, collapse = " "), by = by, domain = domain,
      value = as.numeric(coef(found)), se = as.numeric(SE(found)), method = method)
}
put_joint <- function(case, design, names) {
  design$variables$.x <- design$variables[[names[1]]]
  design$variables$.y <- design$variables[[names[2]]]
  found <- svymean(~.x + .y, design)
  put_contrast(case, "difference", svycontrast(found, c(1, -1)), names)
  put_contrast(case, "sum", svycontrast(found, c(1, 1)), names)
  if (replicated(design)) return(invisible())   # R then has two: by replicate and by slope
  put_contrast(case, "quotient", svycontrast(found, quote(.x / .y)), names)
  put_contrast(case, "log", svycontrast(found, quote(log(.x))), names)
}
put_pair <- function(case, design, variable, by, a, b) {
  design$variables$.x <- design$variables[[variable]]
  design <- design[which(!is.na(design$variables$.x) & !is.na(design$variables[[by]])), ]
  pair <- paste(a, b, sep = "|")
  for (statistic in c("mean", "total")) {
    make <- if (statistic == "mean") svymean else svytotal
    found <- svyby(~.x, reformulate(by), design, make, covmat = TRUE)
    weight <- setNames(rep(0, nrow(found)), names(coef(found)))
    weight[c(a, b)] <- if (statistic == "mean") c(1, -1) else c(1, 1)
    put_contrast(case, paste("domain", if (statistic == "mean") "difference" else "sum"),
                 svycontrast(found, weight), variable, by, pair)
    spread <- vcov(found)
    stopifnot(all.equal(sqrt(diag(spread)), SE(found), check.attributes = FALSE))
    for (i in seq_len(nrow(spread))) for (j in seq_len(i)) {
      put(case, "cov", variable, by = by, method = statistic, value = spread[j, i],
          domain = paste(rownames(spread)[c(j, i)], collapse = "|"))
    }
    if (statistic == "total" || replicated(design)) next
    text <- sprintf("`%s` / `%s`", a, b)
    put_contrast(case, "domain quotient", svycontrast(found, parse(text = text)[[1]]),
                 variable, by, pair)
  }
}
# Through totals of filled columns: two variables with blanks of their own, and two domains of a
# calibrated design, for which svyby(covmat = TRUE) of 4.1-1 stops.
put_filled <- function(case, design, method, names, inside_x, inside_y, by = character(),
                       pair = "") {
  x <- design$variables[[names[1]]]; y <- design$variables[[names[length(names)]]]
  known_x <- inside_x & !is.na(x); known_y <- inside_y & !is.na(y)
  design$variables$.nx <- as.numeric(known_x); design$variables$.ny <- as.numeric(known_y)
  design$variables$.x <- ifelse(known_x, x, 0); design$variables$.y <- ifelse(known_y, y, 0)
  found <- svytotal(~.x + .nx + .y + .ny, design)
  put_contrast(case, method, svycontrast(found, quote(.x / .nx - .y / .ny)), names, by, pair)
}

run <- function(case, design, numbers = character(), ratio = NULL, shares = character(),
                bys = list(), statistics = c("mean", "total")) {
  for (by in c(list(character()), bys)) {
    for (statistic in statistics) {
      for (variable in numbers) put_number(case, design, statistic, variable, by)
    }
    if (!is.null(ratio)) put_ratio(case, design, ratio, by)
    for (variable in setdiff(shares, by)) put_proportion(case, design, variable, by)
  }
}
put_weights <- function(case, design) {
  put(case, "weight", as.character(seq_len(nrow(design$variables)) - 1),
      value = weights(design, "sampling"))
}

# ---------------------------------------------------------------- the cases
numbers <- c("api00", "enroll", "meals")
stu <- c("api.stu", "enroll")
cases_of_api <- function(case, design, bys = list("stype", "awards"), numbers_here = numbers) {
  run(case, design, numbers_here, stu, c("awards", "stype"), bys)
  put_joint(case, design, c("api00", "api99"))
  put_pair(case, design, "api00", "stype", "E", "H")
}
apistrat <- read_data("apistrat"); apiclus1 <- read_data("apiclus1")
apiclus2 <- read_data("apiclus2"); nhanes <- read_data("nhanes")
strat <- svydesign(ids = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = apistrat)
clus1 <- svydesign(ids = ~dnum, weights = ~pw, fpc = ~fpc, data = apiclus1)
clus1_open <- svydesign(ids = ~dnum, weights = ~pw, data = apiclus1)
cases_of_api("apistrat", strat, list("stype", "awards", c("stype", "awards")))
strat_open <- svydesign(ids = ~1, strata = ~stype, weights = ~pw, data = apistrat)
cases_of_api("apistrat_open", strat_open)
cases_of_api("apiclus1", clus1)
cases_of_api("apiclus1_open", clus1_open)
clus2 <- svydesign(ids = ~dnum + snum, weights = ~pw, fpc = ~fpc1 + fpc2, data = apiclus2)
cases_of_api("apiclus2", clus2, list("stype", "awards", c("stype", "sch.wide")))
cases_of_api("apiclus2_open", svydesign(ids = ~dnum, weights = ~pw, data = apiclus2))

people <- svydesign(ids = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE,
                    data = nhanes)
run("nhanes", people, "HI_CHOL", NULL, c("HI_CHOL", "agecat"),
    list("race", "agecat", c("race", "RIAGENDR")))
put_pair("nhanes", people, "HI_CHOL", "race", "1", "2")
put_pair("nhanes", people, "HI_CHOL", "agecat", "19-39", "39-59")

odd_of <- function(name) {
  svydesign(ids = ~cluster, strata = ~stratum, weights = ~w, nest = TRUE, data = read_data(name))
}
odd <- odd_of("odd1")
run("odd1", odd, c("y", "z"), c("y", "z"), c("flag", "choice"),
    list("group", "sex", c("group", "sex")))
put_pair("odd1", odd, "y", "group", "north", "rare")
put_filled("odd1", odd, "difference", c("y", "z"), TRUE, TRUE)
run("odd1_fpc", svydesign(ids = ~cluster, strata = ~stratum, weights = ~w, fpc = ~clusters,
                          nest = TRUE, data = read_data("odd1")),
    c("y", "z"), c("y", "z"), "flag", list("group"))
for (lonely in c("certainty", "adjust", "average")) {
  options(survey.lonely.psu = lonely)
  run(paste0("odd2_", lonely), odd_of("odd2"), c("y", "z"), c("y", "z"), c("flag", "choice"),
      list("group"))
}
options(survey.lonely.psu = "fail")
odd <- svydesign(ids = ~psu + ssu + tsu, strata = ~stratum, weights = ~w, fpc = ~f1 + f2 + f3,
                 nest = TRUE, data = read_data("odd3"))
run("odd3", odd, c("y", "z"), c("y", "z"), "flag", list("group", "stratum"))
put_pair("odd3", odd, "y", "group", "p", "q")
run("odd4", odd_of("odd4"), c("y", "z"), c("y", "z"), c("flag", "choice"), list("group"))
put_joint("odd4", odd_of("odd4"), c("y", "z"))
run("odd5", odd_of("odd5"), c("y", "z"), c("y", "z"), "flag", list("group"))
put_pair("odd5", odd_of("odd5"), "y", "group", "other", "solo")
run("odd6", odd_of("odd6"), c("y", "z"), c("y", "z"), character(), list("group"))
put_joint("odd6", odd_of("odd6"), c("y", "z"))
put_pair("odd6", odd_of("odd6"), "y", "group", "p", "q")

# Replicates made from the design, and replicates given as columns.
as_replicates <- function(design, type, ...) as.svrepdesign(design, type = type, ...)
cases_of_api("apiclus1_jk1", as_replicates(clus1, "JK1"), list("stype"))
cases_of_api("apiclus1_open_jk1_mse", as_replicates(clus1_open, "JK1", mse = TRUE), list("stype"))
run("apistrat_jkn", as_replicates(strat, "JKn"), numbers, stu, "awards", list("stype", "awards"))
run("apistrat_open_jkn", as_replicates(strat_open, "JKn"), numbers, stu, "awards", list("stype"))
pairs <- read_data("pairs")
paired <- odd_of("pairs")
run("pairs_jkn", as_replicates(paired, "JKn"), c("y", "z"), c("y", "z"), "flag", list("group"))
# Means would depend on the Hadamard matrix that happens to be at hand; totals do not.
run("pairs_brr", as_replicates(paired, "BRR"), c("y", "z"), bys = list("group"),
    statistics = "total")
run("pairs_fay", as_replicates(paired, "Fay", fay.rho = 0.3), c("y", "z"), bys = list("group"),
    statistics = "total")
given <- function(data, prefix, weight, type, ...) {
  columns <- data[grep(paste0("^", prefix, "[0-9]+$"), names(data))]
  suppressWarnings(svrepdesign(data = data, repweights = columns, weights = data[[weight]],
                               type = type, ...))
}
cases_of_pairs <- function(case, design) {
  run(case, design, c("y", "z"), c("y", "z"), c("flag", "choice"), list("group"))
  put_pair(case, design, "y", "group", "p", "q")
}
cases_of_pairs("pairs_brr_given", given(pairs, "h", "w", "BRR", combined.weights = FALSE))
cases_of_pairs("pairs_brr_given_mse",
               given(pairs, "h", "w", "BRR", combined.weights = FALSE, mse = TRUE))
cases_of_pairs("pairs_fay_given",
               given(pairs, "f", "w", "Fay", combined.weights = FALSE, rho = 0.3))
cases_of_pairs("pairs_jkn_given", given(pairs, "j", "w", "JKn", combined.weights = TRUE,
                                        scale = 1, rscales = rep(0.5, 14)))
scd <- read_data("scd")
for (mse in c(FALSE, TRUE)) {
  design <- given(scd, "r", "w", "BRR", combined.weights = FALSE, mse = mse)
  run(if (mse) "scd_mse" else "scd", design, c("arrests", "alive"), c("alive", "arrests"))
}
booted <- given(apiclus1, "b", "pw", "bootstrap", combined.weights = TRUE)
cases_of_api("apiclus1_boot", booted, list("stype"))
scaled <- given(apiclus1, "b", "pw", "bootstrap", combined.weights = TRUE,
                scale = 15 / (14 * 39), rscales = rep(1, 40))
run("apiclus1_boot_scaled", scaled, numbers, stu, "awards", list("stype"))

# Weights adjusted to known totals.
types <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
wide <- data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))
awards <- data.frame(awards = c("No", "Yes"), Freq = as.numeric(table(apipop$awards)))
stopifnot(awards$Freq == c(2027, 4167))
cases_adjusted <- function(case, design, bys, variables = numbers) {
  put_weights(case, design)
  run(case, design, variables, stu, "awards", bys)
  kind <- design$variables$stype
  put_filled(case, design, "domain difference", "api00", kind == "E", kind == "H", "stype", "E|H")
}
after <- postStratify(clus1, ~stype, types)
cases_adjusted("apiclus1_post", after, list("stype", "awards", "sch.wide"))
cases_adjusted("apiclus1_open_post", postStratify(clus1_open, ~stype, types), list("awards"))
cases_adjusted("apistrat_post", postStratify(strat, ~awards, awards), list("stype", "sch.wide"))
after <- postStratify(as_replicates(clus1, "JK1", compress = FALSE), ~stype, types)
put_weights("apiclus1_jk1_post", after)
run("apiclus1_jk1_post", after, numbers, stu, "awards", list("stype", "sch.wide"))

tight <- list(maxit = 2000, epsilon = 1e-13)   # below 1: times the sum of the weights
rake_of <- function(design) rake(design, list(~stype, ~sch.wide), list(types, wide), tight)
# rake() sweeps residuals ten times, by their plain means; calibrate() projects them with the
# weights of the design. Equal weights (apiclus1): the same. Unequal ones: calibrate() is right.
calibrate_of <- function(design) {
  calibrate(design, ~stype + sch.wide, calfun = "raking", epsilon = 1e-13, maxit = 200,
            population = c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, sch.wideYes = 5122))
}
for (name in c("clus1", "clus1_open")) {
  raked <- rake_of(get(name)); other <- calibrate_of(get(name))
  stopifnot(all.equal(weights(raked), weights(other), tol = 1e-10, check.attributes = FALSE))
  for (variable in numbers) {
    stopifnot(all.equal(SE(svymean(reformulate(variable), raked)),
                        SE(svymean(reformulate(variable), other)), tol = 1e-9,
                        check.attributes = FALSE))
  }
  cases_adjusted(paste0("api", name, "_raked"), raked, list("stype", "awards", "sch.wide"))
}
stopifnot(all.equal(weights(rake_of(strat)), weights(calibrate_of(strat)), tol = 1e-10,
                    check.attributes = FALSE))
cases_adjusted("apistrat_raked", calibrate_of(strat), list("stype", "awards"))

all_rows <- do.call(rbind, made)
figures <- c("value", "se", "low", "high", "df", "deff")
stopifnot(!anyDuplicated(all_rows[setdiff(names(all_rows), figures)]))
write.csv(all_rows, paste0(folder, "expected.csv"), row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), paste0(folder, "sessionInfo.txt"))
cat(nrow(all_rows), "rows,", sum(all_rows[figures] != ""), "figures\n")
