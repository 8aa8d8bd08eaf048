# Indices and drivers of surveys made of data frames, by R `survey`: calibrated and raked designs,
# replicate weights, subsets, weights of zero, forms without any answer.
#   Rscript tests/reference/frame_survey.R     (from the top of the repository)
# reads  tests/reference/part2/apiclus1.csv, apistrat.csv
# writes tests/reference/frame_survey/expected.csv: design, unit, variable, value, se
suppressMessages(library(survey))
options(digits = 17)
folder <- "tests/reference/"

read_forms <- function(name) {
  forms <- read.csv(paste0(folder, "part2/", name, ".csv"), na.strings = "")
  row <- seq_len(nrow(forms))
  forms$Q1 <- ifelse(row %% 5 == 0, NA, forms$awards == "Yes") * 1
  forms$Q2 <- ifelse(row %% 7 == 0, NA, forms$sch.wide == "Yes") * 1
  forms$Q3 <- (forms$api00 > 650) * 1
  forms$Q4 <- (forms$enroll < 500) * 1
  blank <- row %in% c(3, 60, 61)
  forms[blank, c("Q1", "Q2", "Q3", "Q4")] <- NA
  items <- forms[c("Q1", "Q2", "Q3", "Q4")]
  forms$good <- rowSums(items, na.rm = TRUE)
  forms$valid <- rowSums(!is.na(items))
  forms$F1 <- rowMeans(items[1:2], na.rm = TRUE)
  forms$F2 <- rowMeans(items[3:4], na.rm = TRUE)
  forms$whole <- floor(forms$api00 / 100)
  forms$zero <- ifelse(row %% 11 == 0, 0, forms$pw)
  forms
}

clus <- read_forms("apiclus1"); strat <- read_forms("apistrat")
clusters <- svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc, data = clus)
types <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
wide <- data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))
poststratified <- postStratify(clusters, ~stype, types)
raked <- rake(clusters, list(~stype, ~sch.wide), list(types, wide),
              control = list(maxit = 1000, epsilon = 1e-10, verbose = FALSE))
replicates <- svrepdesign(data = clus, weights = ~pw, repweights = "b[0-9]+", type = "bootstrap",
                          combined.weights = TRUE)
strata <- svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = strat)
zero <- svydesign(id = ~dnum, weights = ~zero, data = clus)
calibrated <- calibrate(clusters, ~api99, c("(Intercept)" = 6194, api99 = 3914069))
# R looks only at the weights whether rounds suffice; the replicates need some more.
raked_replicates <- suppressWarnings(
  rake(replicates, list(~stype, ~sch.wide), list(types, wide),
       control = list(maxit = 100, epsilon = 1e-18, verbose = FALSE)))
designs <- list(
  calibrated = calibrated, calibrated_part = subset(calibrated, meals > 20),
  raked_replicates = raked_replicates,
  clusters = clusters, poststratified = poststratified, raked = raked, replicates = replicates,
  strata = strata, zero = zero,
  clusters_part = subset(clusters, api00 > 600), raked_part = subset(raked, enroll > 300),
  replicates_part = subset(replicates, enroll > 300), strata_part = subset(strata, meals < 60)
)

rows <- list()
add <- function(design, unit, variable, value, se) {
  rows[[length(rows) + 1]] <<- data.frame(design, unit, variable, value = as.numeric(value),
                                           se = as.numeric(unlist(se)))
}
for (name in names(designs)) {
  design <- designs[[name]]
  for (item in c("Q1", "Q2", "Q3", "Q4")) {
    formula <- reformulate(item)
    whole <- svymean(formula, design, na.rm = TRUE)
    add(name, "", item, coef(whole), SE(whole))
    parts <- svyby(formula, ~stype, design, svymean, na.rm = TRUE)
    add(name, parts$stype, item, coef(parts), SE(parts))
  }
  whole <- svyratio(~good, ~valid, design)
  add(name, "", "overall", coef(whole), SE(whole))
  parts <- svyby(~good, ~stype, design, svyratio, denominator = ~valid)
  add(name, parts$stype, "overall", coef(parts), SE(parts))
  fit <- suppressWarnings(svyglm(whole ~ F1 + F2, design)) # of dispersion with weights of zero
  for (term in c("F1", "F2")) add(name, "", term, coef(fit)[[term]], sqrt(vcov(fit)[term, term]))
}
table <- do.call(rbind, rows)
table$value <- formatC(table$value, digits = 15, format = "g")
table$se <- formatC(table$se, digits = 15, format = "g")
write.csv(table, paste0(folder, "frame_survey/expected.csv"), row.names = FALSE, quote = FALSE)
