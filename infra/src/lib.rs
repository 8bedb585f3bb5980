//! cairn-infra
