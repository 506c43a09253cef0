import torch


class MyLSTM(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.cell, self.head = torch.nn.LSTMCell(1, 8), torch.nn.Linear(8, 1)

    def init(self, problem, x0):
        return x0, (torch.zeros(x0.numel(), 8), torch.zeros(x0.numel(), 8))

    def step(self, problem, state):
        hidden = self.cell(problem.smooth_gradient(state[0]).reshape(-1, 1), state[1])
        return state[0] - 0.01 * self.head(hidden[0]).reshape(state[0].shape), hidden
