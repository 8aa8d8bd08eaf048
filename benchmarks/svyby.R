# Means of 22 items by unit with R's survey package: Rscript svyby.R forms.csv found.csv rounds
suppressMessages(library(survey))
given <- commandArgs(trailingOnly = TRUE)
forms <- data.table::fread(given[1], data.table = FALSE)
items <- paste0("i", 1:22)
prepared <- system.time(
  design <- svydesign(ids = ~cluster, weights = ~w, data = forms)
)[["elapsed"]]
formula <- as.formula(paste("~", paste(items, collapse = "+")))
times <- c()
for (round in seq_len(as.integer(given[3]))) {
  times <- c(times, system.time(
    found <- svyby(formula, ~unit, design, svymean, na.rm = TRUE)
  )[["elapsed"]])
}
rows <- data.frame(
  unit = rep(found$unit, 22), variable = rep(items, each = nrow(found)),
  value = unlist(found[items]), se = unlist(found[paste0("se.", items)])
)
rows$value <- sprintf("%.17g", rows$value)
rows$se <- sprintf("%.17g", rows$se)
write.csv(rows, given[2], row.names = FALSE, quote = FALSE)
cat(jsonlite::toJSON(list(
  prepared = prepared, times = I(times),
  versions = paste0("R ", getRversion(), ", survey ", packageVersion("survey"))
), auto_unbox = TRUE, digits = 6), "\n")
