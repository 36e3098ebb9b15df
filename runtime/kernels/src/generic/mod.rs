//! Blocked loops over packed weights, written once and compiled for every instruction set.
