"""The plain kernels, the reference implementation: as short as possible, and tested against formulas and derivatives.

Notation in all files: dy is the gradient of the loss with respect to y, of y's shape. A function `f_backward` takes dy,
returns the gradient with respect to the input, and adds those with respect to the parameters to the arrays dw and db,
because a batch is computed in parts. N images, H x W pixels, C input and K output channels. ' is the transpose. In
formulas, A B is a matrix product and A * B elementwise. y may include a `residual`, which is only added.
"""
