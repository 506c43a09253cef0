import torch


class MyLSTM(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.cell, self.head = torch.nn.LSTMCell(1, 8), torch.nn.Linear(8, 1)

    def forward(self, x, gradient, state=None):
        state = self.cell(gradient.reshape(-1, 1), state)
        x -= 0.01 * self.head(state[0]).reshape(x.shape)  # in place
        return x, state
