//! A step as it is written down. What a record is judged by never lives here, and neither do files.

mod flat;
