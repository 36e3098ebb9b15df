//! The tests that every row of the table gets.
