//! JSON bodies, read and written along a shape.

mod read;
mod write;

pub(crate) use read::{read_document, read_structure};
pub(crate) use write::{write_document, write_members, write_string, write_structure, write_value};
