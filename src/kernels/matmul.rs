//! temporary
#![allow(missing_docs)]
use super::activation::{self, Elementwise};
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    transposed: bool,
}
impl<'a> Matrix<'a> {
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Matrix { data, rows, columns, transposed: false }
    }
    pub fn t(self) -> Self {
        Matrix { data: self.data, rows: self.columns, columns: self.rows, transposed: !self.transposed }
    }
    fn at(&self, i: usize, j: usize) -> f32 {
        if self.transposed { self.data[j * self.rows + i] } else { self.data[i * self.columns + j] }
    }
}
pub enum Epilogue<'a> {
    None,
    Affine { bias: Option<&'a [f32]>, activation: Elementwise },
}
pub fn matmul(a: Matrix, b: Matrix, c: &mut [f32], epilogue: Epilogue) {
    for i in 0..a.rows {
        for j in 0..b.columns {
            let mut s = 0.0f32;
            for k in 0..a.columns {
                s = a.at(i, k).mul_add(b.at(k, j), s);
            }
            c[i * b.columns + j] = s + 0.0;
        }
    }
    if let Epilogue::Affine { bias, activation } = epilogue {
        if let Some(bias) = bias {
            for row in c.chunks_mut(bias.len()) {
                row.iter_mut().zip(bias).for_each(|(c, b)| *c += b);
            }
        }
        activation::forward(activation, c);
    }
}
pub fn over_rows_scratch(_rows: usize, _x: usize, _dy: usize) -> usize {
    0
}
pub fn matmul_over_rows(x: &[f32], dy: &[f32], rows: usize, cx: usize, cy: usize, dw: &mut [f32], _s: &mut [f32]) {
    matmul(Matrix::new(x, rows, cx).t(), Matrix::new(dy, rows, cy), dw, Epilogue::None)
}
pub fn sum_rows(dy: &[f32], columns: usize, db: &mut [f32]) {
    db.fill(0.0);
    for row in dy.chunks(columns) {
        db.iter_mut().zip(row).for_each(|(a, b)| *a += b);
    }
}
