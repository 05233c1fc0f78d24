use axum::{Json, extract::State};
use identity::User;
use money::{Currency, Minor};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    AppState,
    domain::AccountType,
    store::account_types::{self, Offer},
};

#[derive(Serialize, ToSchema)]
pub(crate) struct AccountTypes {
    items: Vec<AccountTypeView>,
}

/// What users may open, and its rules: each account starts with them.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountTypeView {
    r#type: AccountType,
    #[schema(value_type = String, example = "EUR")]
    currency: Currency,
    /// What an account is called that is opened without a name.
    name: String,
    /// The lowest that balance minus held may become; negative: an overdraft.
    limit_minor: Minor,
    /// The most that one movement may take out. Null: no limit.
    max_per_movement_minor: Option<Minor>,
    /// The most that all movements of a day (UTC) may take out together. Null: no limit.
    max_per_day_minor: Option<Minor>,
    /// Of what it receives by transfer or capture, in hundredths of a percent, rounded down.
    fee_basis_points: i32,
    /// The kinds of movement in which it may pay.
    pays: Vec<String>,
    /// The kinds of movement in which it may receive.
    receives: Vec<String>,
}

/// The types and currencies of accounts that users may open, with their rules.
#[utoipa::path(get, path = "/account-types", tag = "accounts",
    security(("bearer" = ["user"])), responses((status = 200, body = AccountTypes)))]
pub(crate) async fn list_account_types(
    State(app): State<AppState>,
    _: User,
) -> problem::Result<Json<AccountTypes>> {
    let mut db = app.pool.acquire().await?;
    let offers = account_types::offered(&mut db).await?;
    let items = offers.into_iter().map(AccountTypeView::from).collect();
    Ok(Json(AccountTypes { items }))
}

impl From<Offer> for AccountTypeView {
    fn from(offer: Offer) -> Self {
        Self {
            r#type: offer.r#type,
            currency: offer.currency,
            name: offer.name,
            limit_minor: offer.limit,
            max_per_movement_minor: offer.max_per_movement,
            max_per_day_minor: offer.max_per_day,
            fee_basis_points: offer.fee_basis_points,
            pays: offer.pays,
            receives: offer.receives,
        }
    }
}
