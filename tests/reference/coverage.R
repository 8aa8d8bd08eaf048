# Vulnerable groups among the forms of a stratified cluster sample by R `survey`: numbers that this
# package did not make.
#   Rscript tests/reference/coverage.R        (from the top of the repository; a second)
# writes tests/reference/coverage/forms.csv (240 made-up forms), clients.csv (dossiers by unit and
# groups) and expected.csv: by group the share among forms with its interval at 1 - 0.05/5, and the
# share among clients weighted as the forms are spread over the units.
suppressMessages(library(survey))
set.seed(21)
groups <- c("NCC", "HN", "HCN", "HKK", "DTTS")
units <- c("a", "b", "c", "d")
clusters <- expand.grid(hamlet = 1:6, unit = units)
forms <- clusters[rep(seq_len(nrow(clusters)), each = 10), ]
forms$weight <- round(runif(nrow(forms), 5, 40), 1)
chance <- c(0.05, 0.06, 0.1, 0.04, 0.08)
hamlet <- rep(runif(nrow(clusters), 0.3, 2), each = 10)
marks <- sapply(chance, function(p) runif(nrow(forms)) < p * hamlet)
colnames(marks) <- groups
join <- function(row) paste(groups[row], collapse = ";")
forms$vulnerable <- apply(marks, 1, join)
clients <- data.frame(unit = sample(units, 900, TRUE, c(0.5, 0.3, 0.15, 0.05)))
among <- sapply(c(0.05, 0.07, 0.07, 0.05, 0.25), function(p)
  runif(900) < p * ifelse(clients$unit == "a", 1.3, 0.7))
clients$groups <- apply(among, 1, join)
shares <- rowsum(among * 1, clients$unit) / as.vector(table(clients$unit))
design <- svydesign(ids = ~hamlet, strata = ~unit, weights = ~weight, nest = TRUE,
                    data = cbind(forms, marks * 1, share = shares[as.character(forms$unit), ]))
figure <- function(x) trimws(formatC(as.numeric(x), digits = 17, format = "g"))
rows <- NULL
for (k in seq_along(groups)) {
  formula <- as.formula(paste0("~", groups[k]))
  found <- svyciprop(formula, design, method = "beta", level = 1 - 0.05 / 5)
  expected <- svymean(as.formula(paste0("~share.", k)), design)
  rows <- rbind(rows, data.frame(code = groups[k], forms_percent = figure(100 * found[1]),
    forms_percent_low = figure(100 * confint(found)[1]),
    forms_percent_high = figure(100 * confint(found)[2]),
    clients_percent = figure(100 * mean(among[, k])), expected_percent = figure(100 * expected[1])))
}
folder <- "tests/reference/coverage/"
write_table <- function(table, name)
  write.csv(table, paste0(folder, name, ".csv"), row.names = FALSE, quote = FALSE)
write_table(forms, "forms")
write_table(clients, "clients")
write_table(rows, "expected")
