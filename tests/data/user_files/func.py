def ista(problem, x):
    step = 1 / problem.smoothness[:, None]
    return problem.prox(x - step * problem.smooth_gradient(x), step)
