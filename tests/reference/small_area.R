# Fay-Herriot by REML from the formulas of Rao and Molina (2015), section 6: Fisher scoring to the last digit,
# EBLUP and its MSE g1 + g2 + 2 g3. Data: fresh milk in 43 areas, Arora and Lahiri (1997), You and Chapman (2006).
# Rscript small_area.R in tests/reference: reads small_area/milk.csv, writes expected.csv
here <- "small_area"; d <- read.csv(file.path(here, "milk.csv"))
fit <- function(y, v, X) {
  A <- median(v)
  for (i in 1:1000) {
    W <- diag(1 / (v + A)); P <- W - W %*% X %*% solve(t(X) %*% W %*% X) %*% t(X) %*% W
    step <- (sum((P %*% y)^2) - sum(diag(P))) / sum(P * P); A <- A + step   # score / information
    if (A <= 0) { A <- 0; break }   # as sae: a negative variance is 0
    if (abs(step) < 1e-16 * A) break
  }
  W <- diag(1 / (v + A)); Q <- solve(t(X) %*% W %*% X); b <- Q %*% t(X) %*% W %*% y; g <- A / (A + v)
  g2 <- (1 - g)^2 * diag(X %*% Q %*% t(X)); g3 <- v^2 / (A + v)^3 * 2 / sum(1 / (A + v)^2)
  data.frame(value = as.numeric(g * y + (1 - g) * X %*% b), mse = g * v + g2 + 2 * g3, borrowed = 1 - g, sigma2 = A, beta = c(b, rep(NA, length(y) - length(b))))
}
out <- rbind(cbind(case = "constant", fit(d$yi, d$SD^2, matrix(1, 43, 1))),
             cbind(case = "areas", fit(d$yi, d$SD^2, model.matrix(~factor(d$MajorArea)))),
             cbind(case = "alike", fit(1 + (d$yi - 1) / 20, d$SD^2, cbind(1, d$ni))))
out[-1] <- format(out[-1], digits = 15, trim = TRUE, scientific = TRUE)
write.csv(out, file.path(here, "expected.csv"), row.names = FALSE, quote = FALSE)
writeLines(capture.output(sessionInfo()), file.path(here, "sessionInfo.txt"))
