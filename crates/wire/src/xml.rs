//! XML bodies, read and written along a shape.

mod read;
mod tree;
mod write;

pub(crate) use read::read_root;
pub(crate) use tree::Element;
pub(crate) use write::{Names, Writer};
