# Figures of the models with facts by R `survey`: numbers that this package did not make.
#   Rscript tests/reference/facts.R          (from the top of the repository; a few seconds)
# writes tests/reference/facts/forms.csv      answers, design and facts of the dossiers, made here
#        tests/reference/facts/terms.csv      coefficients, errors, df, intervals of three models
#        tests/reference/facts/vanished.csv   joint covariance of two models, Fieller's interval
#        tests/reference/facts/others.csv     matched against other forms, units, rank correlation
#        tests/reference/facts/sessionInfo.txt
# The joint covariance is found twice: from one regression of both models stacked, whose clusters
# hold both copies of a form, and from the influence of each form on both. They must agree.
suppressMessages(library(survey))
options(warn = 1, survey.lonely.psu = "fail")
folder <- "tests/reference/facts/"
digits <- function(x) trimws(formatC(x, digits = 17, format = "g"))
save_table <- function(name, table) {
  for (column in names(table)) {
    if (is.numeric(table[[column]])) table[[column]] <- ifelse(is.na(table[[column]]), NA, digits(table[[column]]))
  }
  write.csv(table, paste0(folder, name, ".csv"), row.names = FALSE, quote = FALSE, na = "")
}

# ---------------------------------------------------------------- the forms
set.seed(20211127)
n <- 480
level <- function(x) pmin(pmax(round(x), 1), 5)
cluster <- rep(1:48, each = 10)
stratum <- c("a", "b", "c", "d")[(cluster - 1) %/% 12 + 1]
office <- paste0("u", (cluster - 1) %% 8 + 1)
late <- ifelse(runif(n) < 0.35, 1 + rpois(n, 3), 0)
visits <- 1 + rpois(n, 0.6)
temper <- rnorm(48, 0, 0.3)[cluster]
access <- 3.8 + temper + rnorm(n, 0, 0.8)
officials <- 4.1 + temper - 0.18 * late + rnorm(n, 0, 0.8)
forms <- data.frame(
  form = 1:n, stratum, cluster, office, w = round(runif(n, 0.5, 4), 2),
  A1 = level(access + rnorm(n, 0, 0.5)), A2 = level(access + rnorm(n, 0, 0.5)),
  C1 = level(officials + rnorm(n, 0, 0.5)), C2 = level(officials + rnorm(n, 0, 0.5)),
  C3 = level(officials + rnorm(n, 0, 0.5)),
  W = level(0.3 + 0.4 * access + 0.5 * officials - 0.1 * late + rnorm(n, 0, 0.5)),
  code = paste0("H01-", 1:n), days_late = late, visits,
  channel = sample(c("direct", "online"), n, TRUE, c(0.7, 0.3))
)
forms$code[runif(n) < 0.4] <- NA
forms$W[runif(n) < 0.05] <- NA
forms$visits[runif(n) < 0.03] <- NA
save_table("forms", forms)
forms <- read.csv(paste0(folder, "forms.csv"), na.strings = "")

# ---------------------------------------------------------------- the models, of raw levels
forms$access <- rowMeans(forms[c("A1", "A2")])
forms$officials <- rowMeans(forms[c("C1", "C2", "C3")])
forms$online <- as.numeric(forms$channel == "online")
forms$matched <- as.numeric(!is.na(forms$code))
forms$complete <- forms$matched == 1 & !is.na(forms$W) & !is.na(forms$visits)
whole <- svydesign(ids = ~cluster, strata = ~stratum, weights = ~w, nest = TRUE, data = forms)
part <- subset(whole, complete)
formulas <- list(
  factors = W ~ access + officials,
  with_facts = W ~ access + officials + days_late + visits + online,
  attitude = officials ~ days_late + visits + online
)
fits <- lapply(formulas, function(how) svyglm(how, part))
terms <- do.call(rbind, lapply(names(fits), function(name) {
  m <- fits[[name]]
  ends <- confint(m, ddf = m$df.residual)
  data.frame(model = name, variable = names(coef(m)), raw = coef(m), se = SE(m),
             low = ends[, 1], high = ends[, 2], df = m$df.residual, n = nobs(m))
}))
save_table("terms", terms[terms$variable != "(Intercept)", ])

# ---------------------------------------------------------------- both models in one: stacked
used <- forms[forms$complete, ]
nil <- used; nil[] <- 0
first <- model.matrix(formulas$factors, used); second <- model.matrix(formulas$with_facts, used)
colnames(first) <- paste0("p", seq_len(ncol(first)))
colnames(second) <- paste0("q", seq_len(ncol(second)))
rows <- function(f, s) data.frame(used[c("stratum", "cluster", "w", "W")], f, s)
stacked <- rbind(rows(first, 0 * second), rows(0 * first, second))
# Clusters without a complete form stay in the sample, with nothing in it.
empty <- forms[!forms$complete, c("stratum", "cluster", "w")]
empty$W <- 0
empty[c(colnames(first), colnames(second))] <- 0
stacked <- rbind(cbind(stacked, inside = TRUE), cbind(empty, inside = FALSE))
both <- svydesign(ids = ~cluster, strata = ~stratum, weights = ~w, nest = TRUE, data = stacked)
how <- reformulate(c("0", colnames(first), colnames(second)), "W")
joint <- svyglm(how, subset(both, inside))
stopifnot(max(abs(coef(joint) - c(coef(fits$factors), coef(fits$with_facts)))) < 1e-9)
by_stack <- vcov(joint)

influence <- function(m) {
  x <- model.matrix(m); w <- weights(part)[weights(part) > 0]
  e <- residuals(m, type = "response")
  (x * e) %*% solve(crossprod(x * w, x))
}
z <- matrix(0, n, ncol(first) + ncol(second))
z[forms$complete, ] <- cbind(influence(fits$factors), influence(fits$with_facts))
by_influence <- vcov(svytotal(z, whole))
stopifnot(max(abs(by_stack / by_influence - 1)) < 1e-9)
stopifnot(max(abs(diag(by_stack)[-(1:3)] / diag(vcov(fits$with_facts)) - 1)) < 1e-9)

fieller <- function(a, b, v, t) {  # the roots of (a - theta b)^2 = t^2 Var(a - theta b)
  roots <- polyroot(c(a^2 - t^2 * v[1, 1], -2 * (a * b - t^2 * v[1, 2]), b^2 - t^2 * v[2, 2]))
  sort(Re(roots))
}
t <- qt(0.975, fits$with_facts$df.residual)
vanished <- do.call(rbind, lapply(c("access", "officials"), function(name) {
  a <- coef(fits$with_facts)[[name]]; b <- coef(fits$factors)[[name]]
  at <- c(3 + match(name, names(coef(fits$with_facts))), match(name, names(coef(fits$factors))))
  v <- by_stack[at, at]; ends <- fieller(a, b, v, t)
  data.frame(variable = name, with = a, without = b, v_with = v[1, 1], v_across = v[1, 2],
             v_without = v[2, 2], percent = 100 * (1 - a / b),
             low = 100 * (1 - ends[2]), high = 100 * (1 - ends[1]))
}))
save_table("vanished", vanished)

# ---------------------------------------------------------------- the rest
others <- data.frame()
put <- function(what, value) others <<- rbind(others, data.frame(what = what, value = value))
for (name in c("access", "officials", "W")) {
  m <- svyttest(as.formula(paste(name, "~ matched")), whole)
  put(paste0("matched:", name), m$estimate[[1]]); put(paste0("matched_p:", name), m$p.value[[1]])
}
used$weight <- used$w / mean(used$w)
within <- lm(officials ~ days_late + visits + online + office, used, weights = weight)
slopes <- coef(within)[c("days_late", "visits", "online")]
used$known <- used$officials - as.matrix(used[names(slopes)]) %*% slopes
for (name in c("officials", "known")) {
  table <- summary(aov(as.formula(paste(name, "~ office")), used, weights = weight))[[1]]
  sizes <- tapply(used$weight, used$office, sum)
  per_unit <- (sum(sizes) - sum(sizes^2) / sum(sizes)) / (length(sizes) - 1)
  put(paste0("between:", name), (table[1, 3] - table[2, 3]) / per_unit)
}
pairs <- aggregate(cbind(forms$C1 >= 4, forms$days_late == 0), list(forms$office), mean)
r <- cor(pairs$V1, pairs$V2, method = "spearman")
ends <- tanh(atanh(r) + c(-1, 1) * qnorm(0.975) * sqrt((1 + r^2 / 2) / (nrow(pairs) - 3)))
put("rank", r); put("rank_low", ends[1]); put("rank_high", ends[2])
save_table("others", others)
writeLines(capture.output(sessionInfo()), paste0(folder, "sessionInfo.txt"))
