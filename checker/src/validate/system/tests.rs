//! What has to hold, shown to be asked for.
