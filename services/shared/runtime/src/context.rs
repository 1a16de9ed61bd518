//! What every command of every service gets: the store, the clock, the ids, and who asks.

use crate::clock::Clock;
use crate::ids::Generator;
use chrono::NaiveDate;
use namoyish_domain::calendar::Timestamp;
use namoyish_domain::ids::CustomerId;
use namoyish_storage::Store;
use std::fmt;
use uuid::Uuid;

/// The collaborators of an application function. Cheap to clone; clones share pool, clock and generator.
#[derive(Debug, Clone)]
pub struct Context {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Ids and draws.
    pub ids: Generator,
}

impl Context {
    /// A context of the real world: the system's clock and entropy.
    pub fn new(store: Store) -> Context {
        Context {
            store,
            clock: Clock::system(),
            ids: Generator::from_os(),
        }
    }

    /// The instant now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The calendar day in Tashkent now.
    pub fn today(&self) -> NaiveDate {
        self.clock.today()
    }

    /// A new id of the instant now, to be wrapped: `OrderBlankId::from_uuid(ctx.uuid())`.
    pub fn uuid(&self) -> Uuid {
        self.ids.uuid(self.clock.now())
    }
}

/// Who asks for a command. `name` is what audit entries and `*_by` columns keep: a login, a key's name or a job's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The login, API key name or job name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The customer it belongs to; `None` for staff and jobs.
    pub customer: Option<CustomerId>,
}

impl Actor {
    /// The platform itself: a job, a scenario, the demo set-up.
    pub fn system(name: &str) -> Actor {
        Actor {
            name: name.to_owned(),
            role: Role::System,
            customer: None,
        }
    }

    /// A member of the operator's staff.
    pub fn staff(name: &str, role: Role) -> Actor {
        Actor {
            name: name.to_owned(),
            role,
            customer: None,
        }
    }

    /// A customer's own user or API key.
    pub fn customer(name: &str, role: Role, customer: CustomerId) -> Actor {
        Actor {
            name: name.to_owned(),
            role,
            customer: Some(customer),
        }
    }

    /// Whether this actor acts for the operator: staff or the platform itself.
    pub fn is_operator(&self) -> bool {
        self.customer.is_none()
    }

    /// Whether what belongs to `customer` is this actor's business at all: its own, or any for the operator's side.
    pub fn may_see(&self, customer: CustomerId) -> bool {
        self.customer.is_none_or(|own| own == customer)
    }

    /// Whether the actor's role is one of `roles`; the platform itself always passes.
    pub fn has_role(&self, roles: &[Role]) -> bool {
        self.role == Role::System || roles.contains(&self.role)
    }
}

/// The name, as `actor` and `*_by` columns keep it.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// What a user or key may do (cabinet.md: customers' roles first, then the operator's staff).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Customer: everything, also its users.
    Owner,
    /// Customer: orders, materials, budgets.
    Manager,
    /// Customer or staff: money and documents.
    Accountant,
    /// Customer: looks only.
    Viewer,
    /// Staff: customers and orders.
    Sales,
    /// Staff: ad materials.
    Moderator,
    /// Staff: placements and delivery.
    Traffic,
    /// Staff: everything.
    Admin,
    /// The platform itself; never stored with a user.
    System,
}

impl Role {
    /// Every role that a user or key can have.
    pub const ALL: [Role; 8] = [
        Role::Owner,
        Role::Manager,
        Role::Accountant,
        Role::Viewer,
        Role::Sales,
        Role::Moderator,
        Role::Traffic,
        Role::Admin,
    ];

    /// The stored form.
    pub fn code(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Manager => "manager",
            Role::Accountant => "accountant",
            Role::Viewer => "viewer",
            Role::Sales => "sales",
            Role::Moderator => "moderator",
            Role::Traffic => "traffic",
            Role::Admin => "admin",
            Role::System => "system",
        }
    }

    /// The role with this stored form; `system` is none, since nobody can sign in as the platform.
    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.code() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_signs_in_as_the_platform() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.code()), Some(role));
        }
        assert_eq!(Role::parse("system"), None);
        assert_eq!(Role::parse("Owner"), None);
        assert_eq!(Role::parse(""), None);
    }

    #[test]
    fn a_customers_actor_sees_its_own_customer_only() {
        let (own, other) = (
            CustomerId::from_uuid(Uuid::from_u128(1)),
            CustomerId::from_uuid(Uuid::from_u128(2)),
        );
        let owner = Actor::customer("aziza", Role::Owner, own);
        assert!(owner.may_see(own));
        assert!(!owner.may_see(other));
        assert!(!owner.is_operator());
        assert!(Actor::staff("bobur", Role::Sales).may_see(other));
        assert!(!owner.has_role(&[Role::Admin]));
        assert!(Actor::system("billing").has_role(&[Role::Admin]));
    }
}
