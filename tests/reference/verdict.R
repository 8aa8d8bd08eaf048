# Difference in differences of treated and other units between two waves, by R survey: the coefficient
# treated:after of svyglm(y ~ unit + group:after + treated:after) on both waves stacked, with strata, hamlets
# (whose people went to several units) and weights of either wave. A factor and the index stack the answers.
# Rscript verdict.R in tests/reference: writes the data and what R finds into verdict/
suppressMessages(library(survey))
here <- "verdict"; dir.create(here, showWarnings = FALSE); set.seed(120)
items <- c(paste0("A", 1:3), paste0("B", 1:2))
make <- function(hamlets, shift) {
  n <- 25 * hamlets; d <- data.frame(hamlet = rep(1:hamlets, each = 25))
  d$stratum <- ifelse(d$hamlet <= hamlets / 2, "north", "south")
  u <- sample(1:13, n, TRUE); d$office <- sprintf("o%02d", u); d$kind <- c("districts", "departments", "agencies")[1 + (u > 5) + (u > 9)]
  d$w <- round(runif(hamlets, 0.6, 2)[d$hamlet] * runif(n, 0.8, 1.3), 3)
  z <- rnorm(hamlets, 0, 0.3)[d$hamlet] + rnorm(n) + shift + rnorm(13, 0, 0.3)[u]
  for (q in items) d[[q]] <- pmin(5, pmax(1, round(3.9 + 0.7 * z + 0.8 * rnorm(n))))
  for (q in items) d[sample(n, 12), q] <- NA
  d
}
waves <- list(make(44, 0), make(36, 0.2))
for (k in 1:2) write.csv(waves[[k]], file.path(here, paste0("wave", k, ".csv")), row.names = FALSE, quote = FALSE, na = "")
long <- do.call(rbind, lapply(1:2, function(k) do.call(rbind, lapply(items, function(q) data.frame(
  wave = k, waves[[k]][c("hamlet", "stratum", "office", "kind", "w")], item = q, y = 100 * (waves[[k]][[q]] >= 4))))))
long <- long[!is.na(long$y), ]; long$after <- long$wave - 1
did <- function(key, codes, treated, busy = treated) {
  d <- long; d$treated <- as.numeric(d$office %in% treated)
  d$used <- d$item %in% codes & (d$treated == 1 | !d$office %in% busy) & d$kind %in% unique(d$kind[d$treated == 1])
  s <- subset(svydesign(~hamlet, strata = ~interaction(wave, stratum), weights = ~w, data = d, nest = TRUE), used)
  groups <- length(unique(s$variables$kind)) > 1
  f <- if (groups) y ~ office + kind:after + treated:after else y ~ office + after + treated:after
  m <- svyglm(f, s); at <- grep("treated", names(coef(m))[!is.na(coef(m))], value = TRUE)
  data.frame(key = key, did = coef(m)[[at]], did_se = SE(m)[[at]])
}
A <- paste0("A", 1:3)
t <- rbind(
  did("unit/A1", "A1", "o02", c("o02", "o03", "o07")),
  did("unit/A", A, "o08"), did("unit/overall", items, "o01"),
  did("units/A1", "A1", c("o02", "o03", "o07")),
  did("units/B2", "B2", c("o02", "o06", "o10", "o11"), c("o02", "o06", "o10", "o11", "o12")))
t[-1] <- format(t[-1], digits = 15, trim = TRUE, scientific = TRUE)
write.csv(t, file.path(here, "expected.csv"), row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), file.path(here, "sessionInfo.txt"))
