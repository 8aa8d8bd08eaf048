# Weights adjusted to known totals by R `survey`, on the samples of part2.R.
#   Rscript tests/reference/weighting.R        (from the top of the repository)
# writes tests/reference/weighting/expected.csv and weights.csv; read by test_weighting.py.
suppressMessages(library(survey))
options(warn = 1)
from <- "tests/reference/part2/"; folder <- "tests/reference/weighting/"
read_data <- function(name) {
  read.csv(paste0(from, name, ".csv"), stringsAsFactors = FALSE, na.strings = "")
}
figure <- function(x) {
  text <- trimws(formatC(as.numeric(x), digits = 17, format = "g"))
  ifelse(is.finite(as.numeric(x)), text, "")
}
apistrat <- read_data("apistrat"); apiclus1 <- read_data("apiclus1")
apiclus2 <- read_data("apiclus2"); nhanes <- read_data("nhanes")
strat <- svydesign(ids = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = apistrat)
clus1 <- svydesign(ids = ~dnum, weights = ~pw, fpc = ~fpc, data = apiclus1)
clus2 <- svydesign(ids = ~dnum + snum, weights = ~pw, fpc = ~fpc1 + fpc2, data = apiclus2)
open2 <- svydesign(ids = ~dnum, weights = ~pw, data = apiclus2)

made <- list(); weighed <- list()
put <- function(case, statistic, variable, by, domain, found) {
  made[[length(made) + 1]] <<- data.frame(
    case, statistic, variable, by, domain, value = figure(coef(found)), se = figure(SE(found)))
}
put_all <- function(case, design) {
  weighed[[length(weighed) + 1]] <<- data.frame(
    case, row = seq_len(nrow(design$variables)) - 1, weight = figure(weights(design, "sampling")))
  for (variable in c("api00", "enroll", "meals")) {
    known <- design[which(!is.na(design$variables[[variable]])), ]
    put(case, "mean", variable, "", "", svymean(reformulate(variable), known, na.rm = TRUE))
    put(case, "total", variable, "", "", svytotal(reformulate(variable), known, na.rm = TRUE))
    for (by in c("stype", "awards")) for (level in sort(unique(design$variables[[by]]))) {
      inside <- known[which(known$variables[[by]] == level), ]
      put(case, "mean", variable, by, level, svymean(reformulate(variable), inside, na.rm = TRUE))
      put(case, "total", variable, by, level, svytotal(reformulate(variable), inside, na.rm = TRUE))
    }
  }
}
exact <- function(...) calibrate(..., epsilon = 1e-13, maxit = 200)
totals <- c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, api99 = 3914069)
linear <- function(design) calibrate(design, ~stype + api99, totals)
put_all("apiclus1_linear", linear(clus1))
put_all("apistrat_linear", linear(strat))
put_all("apiclus2_linear", linear(clus2))
put_all("apiclus2_numeric", calibrate(open2, ~api99 + meals - 1, c(api99 = 3914069, meals = 297710)))
put_all("apiclus1_bounded", exact(clus1, ~stype + api99, totals, bounds = c(0.5, 1.9)))
put_all("apistrat_bounded", exact(strat, ~stype + api99, totals, bounds = c(0.97, 1.02)))
put_all("apiclus1_raking", exact(clus1, ~stype + api99, totals, calfun = "raking"))
put_all("apiclus2_raking", exact(open2, ~stype + api99, totals, calfun = "raking"))
put_all("apiclus1_logit", exact(clus1, ~stype + api99, totals, calfun = "logit",
                                bounds = c(0.2, 3)))
put_all("apistrat_logit", exact(strat, ~stype + api99, totals, calfun = "logit",
                                bounds = c(0.8, 1.3)))
types <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
wide <- data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))
put_all("apiclus2_twice", linear(postStratify(open2, ~stype, types)))
put_all("apiclus2_crossed", calibrate(open2, ~stype * awards - 1,
  c(stypeE = 4421, stypeH = 755, stypeM = 1018, awardsYes = 4167, `stypeH:awardsYes` = 361,
    `stypeM:awardsYes` = 613)))

# Trimmed: R adds what was cut to the others in equal parts.
put_all("apiclus2_trimmed", trimWeights(open2, lower = 25, upper = 90))
put_all("apiclus2_strict", trimWeights(open2, lower = 25, upper = 90, strict = TRUE))
put_all("apiclus2_linear_trimmed", trimWeights(linear(open2), lower = 20, upper = 110))

# Replicates: each is adjusted.
jack <- as.svrepdesign(clus1, "JK1", compress = FALSE)
columns <- apiclus1[grep("^b[0-9]+$", names(apiclus1))]
boot <- svrepdesign(data = apiclus1, repweights = columns, weights = apiclus1$pw,
                    type = "bootstrap", combined.weights = TRUE)
put_all("apiclus1_jk1_post", postStratify(jack, ~stype, types))
put_all("apiclus1_jk1_linear", calibrate(jack, ~stype + api99, totals, compress = FALSE))
put_all("apiclus1_jk1_raking", exact(jack, ~stype + api99, totals, calfun = "raking",
                                    compress = FALSE))
put_all("apiclus1_boot_linear", calibrate(boot, ~awards + api99,
                                          c(`(Intercept)` = 6194, awardsYes = 4167, api99 = 3914069), compress = FALSE))
put_all("apiclus1_jk1_raked", rake(jack, list(~stype, ~sch.wide), list(types, wide),
                                   list(maxit = 2000, epsilon = 1e-13)))

# Direct standardisation of nhanes to the ages of the population of 2000.
people <- svydesign(ids = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE,
                    data = nhanes)
ages <- sort(unique(nhanes$agecat))
population <- c(55901, 77670, 72816, 45364)[match(ages, c("0-19", "19-39", "39-59", "59-Inf"))]
stopifnot(!anyNA(population))
put_by <- function(case, design, by) {
  found <- svyby(~HI_CHOL, reformulate(by), design, svymean, na.rm = TRUE)
  for (row in seq_len(nrow(found))) {
    made[[length(made) + 1]] <<- data.frame(
      case, statistic = "mean", variable = "HI_CHOL", by = paste(by, collapse = "|"),
      domain = paste(sapply(found[row, by], as.character), collapse = "|"),
      value = figure(coef(found)[row]), se = figure(SE(found)[row]))
  }
}
put_by("nhanes_race", svystandardize(people, by = ~agecat, over = ~race, population = population,
                                     excluding.missing = ~HI_CHOL), "race")
put_by("nhanes_both", svystandardize(people, by = ~agecat, over = ~race + RIAGENDR,
                                     population = population, excluding.missing = ~HI_CHOL),
       c("race", "RIAGENDR"))
put_by("nhanes_blanks", svystandardize(people, by = ~agecat, over = ~race,
                                       population = population), "race")
whole <- svystandardize(people, by = ~agecat, population = population,
                        excluding.missing = ~HI_CHOL)
put("nhanes_whole", "mean", "HI_CHOL", "", "", svymean(~HI_CHOL, whole, na.rm = TRUE))
write.csv(do.call(rbind, made), paste0(folder, "expected.csv"), row.names = FALSE, quote = FALSE)
write.csv(do.call(rbind, weighed), paste0(folder, "weights.csv"), row.names = FALSE, quote = FALSE)
