# Quantiles, tests of cross-tables and of groups by R `survey`, on the samples of part2.R.
#   Rscript tests/reference/tables.R           (from the top of the repository)
# writes tests/reference/tables/quantiles.csv, chisq.csv, groups.csv; read by test_tables_in_r.py.
suppressMessages(library(survey))
options(warn = 1)
from <- "tests/reference/part2/"; folder <- "tests/reference/tables/"
read_data <- function(name) {
  read.csv(paste0(from, name, ".csv"), stringsAsFactors = FALSE, na.strings = "")
}
figure <- function(x) {
  text <- trimws(formatC(as.numeric(x), digits = 17, format = "g"))
  ifelse(is.finite(as.numeric(x)), text, "")
}

# ---------------------------------------------------------------- designs, named as in test_part2.py
apistrat <- read_data("apistrat"); apiclus1 <- read_data("apiclus1")
apiclus2 <- read_data("apiclus2"); pairs <- read_data("pairs")
given <- function(data, prefix, weight, type, ...) {
  columns <- data[grep(paste0("^", prefix, "[0-9]+$"), names(data))]
  suppressWarnings(svrepdesign(data = data, repweights = columns, weights = data[[weight]],
                               type = type, ...))
}
odd_of <- function(name) {
  svydesign(ids = ~cluster, strata = ~stratum, weights = ~w, nest = TRUE, data = read_data(name))
}
clus1 <- svydesign(ids = ~dnum, weights = ~pw, fpc = ~fpc, data = apiclus1)
types <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
designs <- list(
  apistrat = svydesign(ids = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = apistrat),
  apiclus1 = clus1,
  apiclus2 = svydesign(ids = ~dnum + snum, weights = ~pw, fpc = ~fpc1 + fpc2, data = apiclus2),
  nhanes = svydesign(ids = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE,
                     data = read_data("nhanes")),
  odd1 = odd_of("odd1"), odd4 = odd_of("odd4"),
  apiclus1_jk1 = as.svrepdesign(clus1, "JK1"),
  apiclus1_boot = given(apiclus1, "b", "pw", "bootstrap", combined.weights = TRUE),
  pairs_fay_given = given(pairs, "f", "w", "Fay", combined.weights = FALSE, rho = 0.3),
  apiclus1_post = postStratify(clus1, ~stype, types)
)
api <- names(designs)[grepl("^api", names(designs))]

# ---------------------------------------------------------------- quantiles
made <- list()
put_quantiles <- function(name, variable, q, by = "", method = "mean", rule = "math") {
  design <- designs[[name]]
  design$variables$.x <- as.numeric(design$variables[[variable]])
  groups <- if (by == "") "" else sort(unique(na.omit(as.character(design$variables[[by]]))))
  for (group in groups) {
    inside <- !is.na(design$variables$.x)
    if (by != "") inside <- inside & design$variables[[by]] %in% group
    here <- subset(design, inside)
    if (degf(here) == 0) next
    found <- svyquantile(~.x, here, q, interval.type = method, qrule = rule, df = degf(here),
                         na.rm = TRUE)[[1]]
    made[[length(made) + 1]] <<- data.frame(
      case = name, variable, by, domain = group, method, qrule = rule, q, value = figure(found[, 1]),
      low = figure(found[, 2]), high = figure(found[, 3]), se = figure(found[, 4]), df = degf(here)
    )
  }
}
rules <- c("math", "school", "shahvaish", paste0("hf", 1:9))
for (name in api) {
  # 144 equal weights of rescaled strata: which of two values is the quartile is rounding in R.
  off <- if (grepl("post", name)) 0.01 else 0
  put_quantiles(name, "api00", c(0.1, 0.25, 0.5, 0.75, 0.9) + off, "stype")
  put_quantiles(name, "enroll", c(0.25, 0.5) + off)
  put_quantiles(name, "enroll", 0.5 + off, "awards", rule = "school")
}
for (rule in rules) {
  put_quantiles("apistrat", "api00", c(0.25, 0.5, 0.9), rule = rule)
  put_quantiles("apiclus1", "meals", c(0.3, 0.5), "awards", rule = rule)
}
for (method in c("beta", "xlogit", "asin")) {
  put_quantiles("apistrat", "api00", c(0.1, 0.5), "stype", method)
  put_quantiles("odd1", "y", c(0.1, 0.5), "group", method)
  # R 4.1-1 forgets interval.type for replicates and gives that of "mean".
}
for (name in c("odd1", "odd4", "pairs_fay_given")) {
  put_quantiles(name, "y", c(0.1, 0.25, 0.5, 0.8), "group")
  put_quantiles(name, "z", 0.5, "sex", rule = "hf7")
}
put_quantiles("nhanes", "RIAGENDR", 0.5)
for (name in c("apiclus1_boot", "apiclus1_jk1")) suppressWarnings({
  put_quantiles(name, "api00", c(0.25, 0.52), "stype", "quantile")
  put_quantiles(name, "meals", 0.5, "", "quantile", "hf7")
})
put_quantiles("pairs_fay_given", "y", c(0.3, 0.5), "group", "quantile", "school")
write.csv(do.call(rbind, made), paste0(folder, "quantiles.csv"), row.names = FALSE, quote = FALSE)

# ---------------------------------------------------------------- tests of cross-tables
made <- list()
for (name in names(designs)) {
  design <- designs[[name]]
  pairs_of <- if (name %in% api) list(c("stype", "awards"), c("sch.wide", "awards")) else
    if (name == "nhanes") list(c("race", "agecat"), c("HI_CHOL", "RIAGENDR")) else
      list(c("choice", "sex"), c("choice", "group"))
  for (pair in pairs_of) for (statistic in c("F", "Chisq", "Wald", "adjWald", "saddlepoint")) {
    if (grepl("post", name) && pair[1] == "stype" && grepl("ald", statistic)) next
    found <- svychisq(reformulate(pair), design, statistic = statistic)
    degrees <- as.numeric(found$parameter)
    made[[length(made) + 1]] <- data.frame(
      case = name, rows = pair[1], columns = pair[2], test = statistic,
      statistic = figure(found$statistic), df = figure(c(degrees, NA)[1]),
      df2 = figure(c(degrees, NA, NA)[2]), p = figure(found$p.value)
    )
  }
}
write.csv(do.call(rbind, made), paste0(folder, "chisq.csv"), row.names = FALSE, quote = FALSE)

# ---------------------------------------------------------------- tests of groups
made <- list()
put_groups <- function(name, y, group, tests = c("wilcoxon", "vanderWaerden", "median")) {
  design <- designs[[name]]
  design$variables$.g <- factor(design$variables[[group]])
  put <- function(test, found, low = NA, high = NA, df2 = NA) {
    made[[length(made) + 1]] <<- data.frame(
      case = name, variable = y, group, test, value = figure(c(found$estimate, NA)[1]),
      statistic = figure(found$statistic), df = figure(found$parameter), df2 = figure(df2),
      p = figure(found$p.value), low = figure(low), high = figure(high)
    )
  }
  formula <- reformulate(".g", y)
  if (nlevels(design$variables$.g) == 2) {
    found <- svyttest(formula, design)
    put("t", found, found$conf.int[1], found$conf.int[2])
  } else tests <- "KruskalWallis"
  # R 4.1-1: svyranktest of more than two groups stops for a design of replicates.
  if (inherits(design, "svyrep.design")) tests <- setdiff(tests, "KruskalWallis")
  for (test in tests) {
    found <- svyranktest(formula, design, test = test)
    if (test == "KruskalWallis") {   # R names the two the other way round
      put(test, list(statistic = found$parameter, parameter = found$statistic,
                     p.value = found$p.value), df2 = found$ddf)
    } else put(test, found)
  }
}
for (name in api) {
  put_groups(name, "api00", "awards")
  put_groups(name, "enroll", "stype")
}
for (name in c("odd1", "odd4", "pairs_fay_given")) put_groups(name, "y", "sex")
put_groups("odd1", "z", "choice")
write.csv(do.call(rbind, made), paste0(folder, "groups.csv"), row.names = FALSE, quote = FALSE)
