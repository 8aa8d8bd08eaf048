# Parts of a sample, weights of zero, weights that follow from fractions, variances, shares and
# totals of text, by R `survey`: numbers that this package did not make.
#   Rscript tests/reference/design.R            (from the top of the repository)
# writes tests/reference/design/expected.csv, one row per figure; see test_design_in_r.py.
# The data are the files of tests/reference/part2/; a condition is read alike by R and by pandas.
suppressMessages(library(survey))
options(warn = 1)
read_data <- function(name) {
  read.csv(paste0("tests/reference/part2/", name, ".csv"), stringsAsFactors = FALSE,
           na.strings = "")
}
made <- list()
figure <- function(x) {
  text <- trimws(formatC(as.numeric(x), digits = 17, format = "g"))
  ifelse(is.finite(as.numeric(x)), text, "")
}
put <- function(case, condition, statistic, variable, answer = "", by = "", domain = "", value,
                se = NA, low = NA, high = NA, df = NA, deff = NA) {
  made[[length(made) + 1]] <<- data.frame(
    case, condition, statistic, variable, answer, by, domain, value = figure(value),
    se = figure(se), low = figure(low), high = figure(high), df = figure(df), deff = figure(deff)
  )
}
replicated <- function(design) inherits(design, "svyrep.design")
part_of <- function(design, condition) {
  if (condition == "") design else eval(bquote(subset(design, .(parse(text = condition)[[1]]))))
}
# Each variable drops its own blanks only; domains are parts of the part.
answered <- function(design, names) {
  design[which(complete.cases(design$variables[names])), ]
}
domains_of <- function(design, by) {
  if (by == "") return(list(design))
  keys <- design$variables[[by]]
  known <- sort(unique(keys[!is.na(keys) & weights(design, "sampling") != 0]))
  parts <- lapply(known, function(key) design[which(!is.na(keys) & keys == key), ])
  setNames(parts, as.character(known))
}
put_found <- function(case, condition, statistic, found, inside, effect = NA, ...) {
  value <- as.numeric(coef(found)); se <- as.numeric(SE(found)); df <- degf(inside)
  limits <- if (df > 0 && se > 0) as.numeric(confint(found, df = df)) else c(NA, NA)
  put(case, condition, statistic, value = value, se = se, low = limits[1], high = limits[2],
      df = df, deff = effect, ...)
}
put_all <- function(case, design, numbers, ratio = NULL, texts = character(), bys = "",
                    conditions = "") {
  for (condition in conditions) for (by in bys) {
    part <- part_of(design, condition)
    for (name in numbers) {
      parts <- domains_of(answered(part, name), by)
      for (at in seq_along(parts)) {
        inside <- parts[[at]]; domain <- if (by == "") "" else names(parts)[at]
        inside$variables$.x <- as.numeric(inside$variables[[name]])
        mean <- svymean(~.x, inside, deff = "replace")
        put_found(case, condition, "mean", mean, inside, as.numeric(deff(mean)), variable = name,
                  by = by, domain = domain)
        put_found(case, condition, "total", svytotal(~.x, inside), inside, variable = name,
                  by = by, domain = domain)
        spread <- svyvar(~.x, inside)
        put(case, condition, "variance", name, by = by, domain = domain,
            value = as.numeric(spread)[1], se = sqrt(attr(spread, "var")[1]), df = degf(inside))
      }
    }
    if (!is.null(ratio)) {
      parts <- domains_of(answered(part, ratio), by)
      for (at in seq_along(parts)) {
        inside <- parts[[at]]
        inside$variables$.x <- as.numeric(inside$variables[[ratio[1]]])
        inside$variables$.y <- as.numeric(inside$variables[[ratio[2]]])
        put_found(case, condition, "ratio", svyratio(~.x, ~.y, inside), inside,
                  variable = paste(ratio, collapse = "/"), by = by,
                  domain = if (by == "") "" else names(parts)[at])
      }
    }
    for (name in texts) {
      parts <- domains_of(answered(part, name), by)
      for (at in seq_along(parts)) {
        inside <- parts[[at]]; domain <- if (by == "") "" else names(parts)[at]
        counted <- is.null(part$postStrata) | weights(part, "sampling") != 0
        levels <- sort(unique(part$variables[[name]][counted]))
        if (length(levels) < 2) next
        inside$variables$.x <- factor(inside$variables[[name]], levels = levels)
        # Rows of weight 0 stay in a part of a calibrated design; NA times 0 would be NA.
        inside$variables$.x[is.na(inside$variables$.x)] <- levels[1]
        mean <- svymean(~.x, inside); total <- svytotal(~.x, inside); df <- degf(inside)
        for (level in seq_along(levels)) {
          put(case, condition, "mean", name, levels[level], by, domain, coef(mean)[level],
              SE(mean)[level], confint(mean, df = df)[level, 1], confint(mean, df = df)[level, 2],
              df)
          put(case, condition, "total", name, levels[level], by, domain, coef(total)[level],
              SE(total)[level], confint(total, df = df)[level, 1],
              confint(total, df = df)[level, 2], df)
        }
      }
    }
  }
}
put_share <- function(case, design, condition, share) {
  part <- part_of(design, condition)
  for (method in c("xlogit", "beta", "mean")) {
    found <- svyciprop(as.formula(paste0("~I(", share, ")")), part, method = method,
                       df = degf(part))
    limits <- as.numeric(attr(found, "ci"))
    put(case, condition, paste0("share_", method), share, value = as.numeric(coef(found)),
        se = sqrt(as.numeric(attr(found, "var"))), low = limits[1], high = limits[2],
        df = degf(part))
  }
}
put_model <- function(case, design, condition, formula, family = gaussian()) {
  part <- part_of(design, condition)
  found <- svyglm(as.formula(formula), part, family = family, control = list(epsilon = 1e-14))
  limits <- confint(found, ddf = found$df.residual)
  for (at in seq_along(coef(found))) {
    put(case, condition, paste0("fit_", family$family), formula, names(coef(found))[at],
        value = coef(found)[at], se = SE(found)[at], low = limits[at, 1], high = limits[at, 2],
        df = found$df.residual)
  }
}

put_pairs <- function(case, design, names, conditions = "") {
  for (condition in conditions) {
    part <- answered(part_of(design, condition), names)
    found <- svyvar(as.formula(paste("~", paste(names, collapse = "+"))), part)
    spread <- matrix(attr(found, "var"), length(found)); values <- as.matrix(found)
    for (i in seq_along(names)) for (j in seq_len(i)) {
      at <- (j - 1) * length(names) + i
      put(case, condition, "pairs", paste(unique(names[c(j, i)]), collapse = ":"),
          value = values[j, i], se = sqrt(spread[at, at]), df = degf(part))
    }
  }
}

# ---------------------------------------------------------------- the samples
apistrat <- read_data("apistrat"); apiclus1 <- read_data("apiclus1")
apiclus2 <- read_data("apiclus2"); nhanes <- read_data("nhanes"); pairs <- read_data("pairs")
apistrat$w0 <- ifelse(apistrat$snum %% 4 == 0, 0, apistrat$pw)
apiclus1$w0 <- ifelse(apiclus1$dnum %in% c(61, 135) | apiclus1$snum %% 5 == 0, 0, apiclus1$pw)
simple <- svydesign(ids = ~1, fpc = ~N, data = transform(apistrat, N = 6194))
strat <- svydesign(ids = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = apistrat)
clus1 <- svydesign(ids = ~dnum, weights = ~pw, fpc = ~fpc, data = apiclus1)
clus2 <- svydesign(ids = ~dnum + snum, weights = ~pw, fpc = ~fpc1 + fpc2, data = apiclus2)
people <- svydesign(ids = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~WTMEC2YR, nest = TRUE,
                    data = nhanes)
odd <- function(name, ...) {
  svydesign(ids = ~cluster, strata = ~stratum, weights = ~w, nest = TRUE, data = read_data(name),
            ...)
}
given <- function(data, prefix, weight, type, ...) {
  columns <- data[grep(paste0("^", prefix, "[0-9]+$"), names(data))]
  suppressWarnings(svrepdesign(data = data, repweights = columns, weights = data[[weight]],
                               type = type, ...))
}
types <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
wide <- data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))
post <- postStratify(clus1, ~stype, types)
raked <- rake(clus1, list(~stype, ~sch.wide), list(types, wide),
              control = list(maxit = 1000, epsilon = 1e-10))
numbers <- c("api00", "enroll"); stu <- c("api.stu", "enroll")
parts_of_api <- c("", "api99 > 600 & stype != 'M'", "awards == 'Yes'")
shares <- function(case, design, conditions = parts_of_api[1:2]) {
  for (condition in conditions) put_share(case, design, condition, "meals > 50")
}
models <- function(case, design, conditions = parts_of_api[1:2]) {
  for (condition in conditions) {
    put_model(case, design, condition, "api00 ~ meals + enroll")
    put_model(case, design, condition, "I(api00 > 650) ~ meals", quasibinomial())
  }
}

for (case in c("simple", "strat", "clus1", "clus2", "post")) {
  design <- get(case)
  put_all(case, design, numbers, stu, c("stype", "awards"), c("", "sch.wide"), parts_of_api)
  if (case != "post") shares(case, design)  # R 4.1 counts all rows of a calibrated part
  models(case, design)
}
put_all("raked", raked, numbers, stu, "awards", "", parts_of_api)
put_all("people", people, "HI_CHOL", NULL, "agecat", c("", "race"), c("", "RIAGENDR == 1"))
put_all("odd1", odd("odd1"), c("y", "z"), c("y", "z"), "choice", c("", "sex"),
        c("", "group == 'rare'", "flag == 1 & sex == 'f'"))
put_all("odd1_fpc", odd("odd1", fpc = ~clusters), c("y", "z"), c("y", "z"), "choice", "",
        c("", "group == 'rare'"))
three <- svydesign(ids = ~psu + ssu + tsu, strata = ~stratum, weights = ~w, fpc = ~f1 + f2 + f3,
                   nest = TRUE, data = read_data("odd3"))
put_all("odd3", three, c("y", "z"), c("y", "z"), character(), c("", "stratum"),
        c("", "group == 'p'"))

for (case in c("strat", "clus1", "clus2", "post")) {
  put_pairs(case, get(case), c("api00", "api99", "meals"), parts_of_api)
}
put_pairs("odd1", odd("odd1"), c("y", "z"), c("", "group == 'rare'"))
put_pairs("pairs_jkn", as.svrepdesign(odd("pairs"), "JKn"), c("y", "z"), c("", "sex == 'f'"))

# Replicates.
put_all("clus1_jk1", as.svrepdesign(clus1, "JK1"), numbers, NULL, "stype", c("", "sch.wide"),
        parts_of_api)
put_all("pairs_jkn", as.svrepdesign(odd("pairs"), "JKn"), c("y", "z"), NULL, "choice",
        c("", "group"), c("", "sex == 'f'"))
for (kind in c("brr", "fay")) {
  design <- if (kind == "brr") given(pairs, "h", "w", "BRR", combined.weights = FALSE)
            else given(pairs, "f", "w", "Fay", combined.weights = FALSE, rho = 0.3)
  put_all(paste0("pairs_", kind), design, c("y", "z"), NULL, "choice", c("", "group"),
          c("", "sex == 'f'"))
}
put_all("clus1_boot", given(apiclus1, "b", "pw", "bootstrap", scale = 15 / (14 * 39),
                            rscales = rep(1, 40)),
        numbers, NULL, "stype", c("", "sch.wide"), parts_of_api)

for (kind in c("JK2", "ACS", "other")) {
  more <- if (kind == "other") list(scale = 0.1, rscales = rep(c(1, 2), 7)) else list()
  design <- do.call(given, c(list(pairs, "j", "w", kind, combined.weights = TRUE), more))
  put_all(paste0("pairs_", tolower(kind)), design, c("y", "z"), NULL, "choice", "",
          c("", "sex == 'f'"))
}

# Weights of zero: schools of a stratum, and whole districts.
zero <- svydesign(ids = ~1, strata = ~stype, weights = ~w0, fpc = ~fpc, data = apistrat)
put_all("strat_zero", zero, numbers, stu, "stype", c("", "awards"), parts_of_api)
zero <- svydesign(ids = ~dnum, weights = ~w0, fpc = ~fpc, data = apiclus1)
put_all("clus1_zero", zero, numbers, stu, "stype", c("", "awards"), parts_of_api)
models("clus1_zero", zero)

# Weights that follow from fractions, as R: counts at each stage, and fractions.
put_all("strat_fpc", svydesign(ids = ~1, strata = ~stype, fpc = ~fpc, data = apistrat), numbers,
        stu, "stype")
put_all("clus1_fpc", svydesign(ids = ~dnum, fpc = ~fpc, data = apiclus1), numbers, stu, "stype")
put_all("clus2_fpc", svydesign(ids = ~dnum + snum, fpc = ~fpc1 + fpc2, data = apiclus2), numbers,
        stu, "stype")
put_all("odd3_fpc", svydesign(ids = ~psu + ssu + tsu, strata = ~stratum, fpc = ~f1 + f2 + f3,
                              nest = TRUE, data = read_data("odd3")), c("y", "z"), c("y", "z"))
put_all("odd1_fpc_only", svydesign(ids = ~cluster, strata = ~stratum, fpc = ~clusters, nest = TRUE,
                                   data = read_data("odd1")), c("y", "z"), c("y", "z"), "choice")

write.csv(do.call(rbind, made), "tests/reference/design/expected.csv", row.names = FALSE)
writeLines(capture.output(sessionInfo()), "tests/reference/design/sessionInfo.txt")
