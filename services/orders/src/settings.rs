//! What the order blank service needs to know beside its context.

use crate::cabinet::CabinetSettings;

/// Settings of the service.
#[derive(Debug, Clone)]
pub struct OrdersSettings {
    /// The pages.
    pub cabinet: CabinetSettings,
    /// Most bytes of an API request's body, a file upload included.
    pub api_body_bytes_max: usize,
}

/// The heaviest body: the heaviest scan of a signed paper, and room for the texts beside it.
pub const API_BODY_BYTES_MAX: usize = 11 * 1024 * 1024;

impl Default for OrdersSettings {
    fn default() -> OrdersSettings {
        OrdersSettings {
            cabinet: CabinetSettings::default(),
            api_body_bytes_max: API_BODY_BYTES_MAX,
        }
    }
}
