# Figures of part 1 by R `survey`: numbers that this package did not make.
#   Rscript tests/reference/part1.R            (from the top of the repository)
# reads  tests/reference/data/answers.csv      (synthetic, made by data/make.py)
# writes tests/reference/part1.csv             case, quantity, value
#        tests/reference/sessionInfo.txt
library(survey)

forms <- read.csv("tests/reference/data/answers.csv", stringsAsFactors = FALSE)
items <- list(A = c("A1", "A2", "A3"), B = c("B1", "B2"), C = c("C1", "C2"))
all_items <- unlist(items, use.names = FALSE)
asked <- c(all_items, "OVERALL")
for (code in asked) {
  forms[[paste0("v.", code)]] <- as.numeric(!is.na(forms[[code]]))
  forms[[paste0("s.", code)]] <- as.numeric(!is.na(forms[[code]]) & forms[[code]] >= 4)
}
columns <- function(kind, codes) as.matrix(forms[paste0(kind, codes)])
parts <- c(items, list(overall = all_items))
for (part in names(parts)) {
  forms[[paste0("v.", part)]] <- rowSums(columns("v.", parts[[part]]))
  forms[[paste0("s.", part)]] <- rowSums(columns("s.", parts[[part]]))
}
forms$eligible <- as.numeric(forms$v.overall >= 1)
forms$content <- as.numeric(forms$eligible == 1 & forms$s.overall == forms$v.overall)
forms$x <- rowSums(as.matrix(forms[all_items]), na.rm = TRUE)

made <- list()
put <- function(case, ...) {
  values <- list(...)
  made[[length(made) + 1]] <<- data.frame(
    case = case, quantity = names(values),
    value = trimws(formatC(unlist(values), digits = 17, format = "g"))
  )
}

# Korn and Graubard as svyciprop(method = "beta") writes it, with the caps of rules I1 and I2.
korn_graubard <- function(p, v, people, cap) {
  tail <- 0.025
  factor <- 1                     # ids = ~1: both degrees of freedom are people - 1
  n <- if (p <= 0 || p >= 1) people else min(p * (1 - p) / v * factor, cap)
  c(low = if (p <= 0) 0 else qbeta(tail, n * p, n * (1 - p) + 1),
    high = if (p >= 1) 1 else qbeta(1 - tail, n * p + 1, n * (1 - p)), n_eff = n)
}
# Rule I2: the cap is answers, or people where fewer than 10 of them gave the rarer answer.
cap_of <- function(p, inside, part) {
  v <- inside[[paste0("v.", part)]]; s <- inside[[paste0("s.", part)]]
  rarer <- if (p >= 0.5) sum(s < v) else sum(s > 0)
  if (rarer < 10) sum(v > 0) else sum(v)
}
put_index <- function(case, estimate, variance, inside, part) {
  people <- sum(inside[[paste0("v.", part)]] > 0)
  ci <- korn_graubard(estimate, variance, people, cap_of(estimate, inside, part))
  put(case, value = 100 * estimate, se = 100 * sqrt(variance), low = 100 * ci[["low"]],
      high = 100 * ci[["high"]], n_eff = ci[["n_eff"]], n_valid = people)
}
formula_of <- function(name) as.formula(paste0("~", name))
ratio_of <- function(code, design) {
  svyratio(formula_of(paste0("s.", code)), formula_of(paste0("v.", code)), design)
}

put_item <- function(case, code, design, weighted) {
  inside <- design$variables
  v <- inside[[paste0("v.", code)]]; s <- inside[[paste0("s.", code)]]
  if (sum(v) == 0) return(invisible())
  found <- ratio_of(code, design)
  p <- as.numeric(coef(found)); people <- sum(v)
  put(case, value = 100 * p, se = 100 * as.numeric(SE(found)), n_valid = people)
  total <- svytotal(formula_of(paste0("s.", code)), design)
  put(case, numerator = as.numeric(coef(total)),
      denominator = as.numeric(coef(svytotal(formula_of(paste0("v.", code)), design))))
  if (p %in% c(0, 1) || !weighted) {
    ci <- binom.test(sum(s), people)$conf.int
    put(case, low = 100 * ci[1], high = 100 * ci[2])
  } else {
    # R has no cap; n_eff must stay below the people for the two to coincide, as it does here.
    answered <- design[which(v == 1), ]
    ci <- attr(svyciprop(formula_of(paste0("s.", code)), answered, method = "beta"), "ci")
    stopifnot(p * (1 - p) / as.numeric(SE(found))^2 < people)
    put(case, low = 100 * ci[[1]], high = 100 * ci[[2]])
  }
  if (!p %in% c(0, 1)) {
    answered <- design[which(v == 1), ]
    effect <- deff(svymean(formula_of(paste0("s.", code)), answered, deff = "replace"))
    put(case, deff = as.numeric(effect))
  }
}

joined <- function(codes) paste0("s.", codes, "/v.", codes)
put_contrast <- function(case, text, codes, design, part) {
  names <- c(paste0("s.", codes), paste0("v.", codes))
  totals <- svytotal(as.formula(paste0("~", paste(names, collapse = "+"))), design)
  found <- svycontrast(totals, parse(text = text)[[1]])
  put_index(case, as.numeric(coef(found)), as.numeric(vcov(found)), design$variables, part)
}
mean_text <- function(terms) paste0("(", paste(terms, collapse = "+"), ")/", length(terms))

put_domain <- function(name, design, weighted) {
  inside <- design$variables
  answered <- function(codes) Filter(function(it) sum(inside[[paste0("v.", it)]]) > 0, codes)
  for (code in asked) put_item(paste0(name, "/item/", code), code, design, weighted)
  for (part in names(parts)) {
    found <- ratio_of(part, design)
    case <- paste0(name, "/pooled/", part)
    put_index(case, as.numeric(coef(found)), as.numeric(SE(found))^2, inside, part)
    codes <- answered(parts[[part]])
    put_contrast(paste0(name, "/mean_of_items/", part), mean_text(joined(codes)), codes, design, part)
  }
  put_contrast(paste0(name, "/mean_of_factors/overall"), mean_text(joined(names(items))),
               names(items), design, "overall")
  nested <- mean_text(sapply(items, function(codes) mean_text(joined(answered(codes)))))
  put_contrast(paste0(name, "/mean_of_factors_of_items/overall"), nested, answered(all_items),
               design, "overall")
  put_contrast(paste0(name, "/weights/overall"),
               paste0(c(0.5, 0.3, 0.2), "*", joined(names(items)), collapse = "+"),
               names(items), design, "overall")
  found <- svyratio(~content, ~eligible, design)
  put(paste0(name, "/beside/comprehensive"), value = 100 * as.numeric(coef(found)),
      se = 100 * as.numeric(SE(found)))
  found <- svyratio(~x, ~v.overall, design)
  df <- sum(inside$v.overall > 0) - 1
  half <- qt(0.975, df) * as.numeric(SE(found))
  put(paste0(name, "/beside/mean_score"), value = as.numeric(coef(found)),
      se = as.numeric(SE(found)), low = as.numeric(coef(found)) - half,
      high = as.numeric(coef(found)) + half)
}

# Regression on factor scores (rules D1 and D2): complete forms, standardised with the weights.
put_regression <- function(name, weight) {
  data <- data.frame(lapply(items, function(codes) rowMeans(forms[codes], na.rm = TRUE)),
                     outcome = forms$OVERALL)
  complete <- complete.cases(data)
  data[!complete, ] <- NA
  satisfied <- as.numeric(data$outcome >= 4)
  centre <- sapply(data, weighted.mean, weight, na.rm = TRUE)
  spread <- sapply(names(data), function(it) {
    sqrt(weighted.mean((data[[it]] - centre[[it]])^2, weight, na.rm = TRUE))
  })
  standard <- as.data.frame(scale(data, centre, spread))
  # All forms declare the design; those with a blank count with z = 0, as in any domain (V1).
  standard$satisfied <- satisfied
  design <- svydesign(ids = ~1, weights = weight, data = standard)
  fits <- list(
    linear = svyglm(outcome ~ A + B + C, design, control = list(epsilon = 1e-16, maxit = 100)),
    logit = svyglm(satisfied ~ A + B + C, design, family = quasibinomial(), control = list(epsilon = 1e-16, maxit = 100))
  )
  for (model in names(fits)) {
    table <- coef(summary(fits[[model]]))
    limits <- confint(fits[[model]], ddf = sum(complete) - 4)
    for (term in names(items)) {
      put(paste0(name, "/", model, "/", term), value = table[term, 1], se = table[term, 2],
          p = table[term, 4], low = limits[term, 1], high = limits[term, 2])
    }
  }
  raw <- svydesign(ids = ~1, weights = weight, data = data)
  by_level <- coef(svyglm(outcome ~ A + B + C, raw, control = list(epsilon = 1e-16, maxit = 100)))
  others <- lm(outcome ~ A + B + C, data, weights = weight)
  for (term in names(items)) {
    rest <- setdiff(names(items), term)
    auxiliary <- summary(lm(reformulate(rest, term), data, weights = weight))$r.squared
    put(paste0(name, "/linear/", term), raw = by_level[[term]], vif = 1 / (1 - auxiliary))
  }
  put(paste0(name, "/linear/model"), r_squared = summary(others)$r.squared, n = sum(complete))
}

for (weighting in c("unweighted", "weighted")) {
  weight <- if (weighting == "weighted") forms$weight else rep(1, nrow(forms))
  whole <- svydesign(ids = ~1, weights = weight, data = forms)
  put_domain(paste0(weighting, "/all"), whole, weighting == "weighted")
  for (unit in c("a", "b", "c")) {
    put_domain(paste0(weighting, "/", unit), whole[which(forms$unit == unit), ],
               weighting == "weighted")
  }
  put_regression(paste0(weighting, "/drivers"), weight)
}

for (n in c(1, 5, 30, 160, 2688)) {
  for (k in unique(round(n * c(0, 0.1, 0.5, 0.8207, 0.95, 1)))) {
    ci <- binom.test(k, n)$conf.int
    put(paste0("exact/", k, "/", n), low = ci[1], high = ci[2])
  }
}

write.csv(do.call(rbind, made), "tests/reference/part1.csv", row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), "tests/reference/sessionInfo.txt")
