# Stays made here; quantiles by quantile(type = 7), shares of the limit by survey::svyratio with weeks
# as clusters, effects by joint Newton steps on dummies, funnel limits from the beta-binomial law.
suppressMessages(library(survey))
here <- "records_steps"; dir.create(here, showWarnings = FALSE)
put <- function(t, name) write.csv(format(t, digits = 15, trim = TRUE, scientific = FALSE),
                                   file.path(here, name), row.names = FALSE, quote = FALSE)
set.seed(21); n <- 300
d <- data.frame(dossier = sprintf("D%03d", 1:n), week = sample(0:15, n, TRUE),
                limit = 3600 * sample(c(40, 80, 120), n, TRUE))
for (s in c("A", "B", "C")) d[[s]] <- as.integer(d$limit * rlnorm(n, log(c(A = .1, B = .3, C = .24)[s]), .6))
d$C[sample(n, 40)] <- 0 # these did not pass through C
put(d, "dossiers.csv")
share <- NULL; design <- svydesign(ids = ~week, data = d, weights = ~1)
for (s in c("A", "B", "C")) {
  v <- d[[s]][d[[s]] > 0]; r <- svyratio(as.formula(paste0("~", s)), ~limit, design)
  diff <- svyratio(as.formula(paste0("~I(B - ", s, ")")), ~limit, design)
  share <- rbind(share, data.frame(step = s, n = length(v), median = quantile(v, .5, type = 7),
    p90 = quantile(v, .9, type = 7), share = coef(r), se = SE(r)[1], below = coef(diff), se_below = SE(diff)[1]))
}
put(share, "steps.csv")
cells <- expand.grid(used = 1:3, procedure = 1:4, channel = 1:2, official = 1:6)
cells$n <- rpois(nrow(cells), 6) + 1
truth <- c(-2.5, -1.5, -.5)[cells$used] + c(0, .3, .9, 1.6)[cells$procedure] + c(0, .2)[cells$channel] +
  c(0, .2, -.3, 1.2, 0, -.1)[cells$official]
cells$late <- rbinom(nrow(cells), cells$n, plogis(truth))
penalty <- c(.05, .25, 1, 1); parts <- c("used", "procedure", "channel", "official")
X <- do.call(cbind, lapply(parts, function(p) outer(cells[[p]], sort(unique(cells[[p]])), "==") + 0))
lambda <- rep(penalty, sapply(parts, function(p) length(unique(cells[[p]]))))
start <- qlogis(sum(cells$late) / sum(cells$n)); beta <- rep(0, ncol(X))
for (k in 1:50) {
  p <- plogis(start + X %*% beta); w <- as.vector(cells$n * p * (1 - p))
  beta <- beta + solve(t(X) %*% (w * X) + diag(lambda), t(X) %*% (cells$late - cells$n * p) - lambda * beta)
}
cells$odds <- as.vector(start + X %*% beta)
put(cells, "cells.csv")
limits <- data.frame(n = c(40, 120, 400, 90), expected = c(4, 15, 8, .7), inflation = c(1.2, 2, 1.01, 3),
                     tail = c(.05, .001, .0005, .01))
tails <- function(n, expected, inflation, tail) {
  m <- expected / n; rho <- (inflation - 1) / (n - 1); a <- m * (1 / rho - 1); b <- (1 - m) * (1 / rho - 1)
  k <- 0:n; f <- exp(lchoose(n, k) + lbeta(k + a, n - k + b) - lbeta(a, b))
  c(low = min(k[cumsum(f) > tail]), high = max(k[rev(cumsum(rev(f))) > tail]))
}
put(cbind(limits, t(mapply(tails, limits$n, limits$expected, limits$inflation, limits$tail))), "limits.csv")
rate <- binom.test(80, 100)$conf.int
put(data.frame(done = 100, kept = 80, low = 100 * rate[1], high = 100 * rate[2]), "on_time.csv")
