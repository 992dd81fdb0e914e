//! One field's own options.

use serde_json::Value as Json;

use super::fields::{field_name, is_primary_key};
use super::limits::{LARGEST, at_least, length, within};
use super::texts::{autogenerate, is_domain, is_thumb_size, regex};
use super::{Check, Definition};
use crate::error::{FieldError, Problems};
use crate::schema::field::{
    AutodateOptions, DomainOptions, FileOptions, NumberOptions, PasswordOptions, RelationOptions, SelectOptions,
    TextOptions,
};
use crate::schema::{Field, FieldKind};

const MOST_PASSWORD: i64 = 71;

/// Judges a field of the definition.
pub fn check(definition: &Definition<'_>, field: &Field) -> Problems {
    Settings { definition, field, problems: Problems::new() }.check()
}

struct Settings<'a> {
    definition: &'a Definition<'a>,
    field: &'a Field,
    problems: Problems,
}

impl Settings<'_> {
    fn check(mut self) -> Problems {
        let field = self.field;
        self.note("id", length(&field.id, 1, 100));
        self.note("name", field_name(&field.name));
        if !field.help.is_empty() {
            self.note("help", length(&field.help, 1, 300));
        }
        match &field.kind {
            FieldKind::Text(options) => self.text(options),
            FieldKind::Editor(options) => self.note("maxSize", within(options.max_size, 0, LARGEST)),
            FieldKind::Json(options) => self.note("maxSize", within(options.max_size, 0, LARGEST)),
            FieldKind::Number(options) => self.number(options),
            FieldKind::Email(options) | FieldKind::Url(options) => self.domains(options),
            FieldKind::Autodate(options) => self.autodate(options),
            FieldKind::Select(options) => self.select(options),
            FieldKind::File(options) => self.file(options),
            FieldKind::Relation(options) => self.relation(options),
            FieldKind::Password(options) => self.password(options),
            FieldKind::Bool | FieldKind::Date(_) | FieldKind::GeoPoint => {}
        }
        self.problems
    }

    fn note(&mut self, key: &str, check: Check) {
        if let Err(error) = check {
            self.problems.add(key, error);
        }
    }

    /// The field as it was, if it was there.
    fn original(&self) -> Option<&Field> {
        self.definition.original?.field_by_id(&self.field.id)
    }

    fn text(&mut self, options: &TextOptions) {
        if options.primary_key {
            self.primary_key(options);
        }
        self.note("min", within(options.min, 0, LARGEST));
        if options.max != 0 {
            self.note("max", within(options.max, options.min, LARGEST));
        }
        self.note("pattern", regex(&options.pattern));
        self.note("autogeneratePattern", autogenerate(options));
    }

    fn primary_key(&mut self, options: &TextOptions) {
        if self.field.name != "id" {
            let error = FieldError::new("validation_in_invalid", "The primary key must be named \"id\".");
            self.note("name", Err(error));
        }
        if options.pattern.is_empty() {
            self.note("pattern", Err(FieldError::required()));
        }
        if !self.field.required {
            self.note("required", Err(FieldError::required()));
        }
        if self.field.hidden {
            self.note("hidden", Err(empty()));
        }
        if self.definition.new.fields.iter().filter(|field| is_primary_key(field)).count() > 1 {
            let message = "Composite PKs are not supported and the collection must have only 1 PK.";
            self.note("primaryKey", Err(FieldError::new("validation_unsupported_composite_pk", message)));
        }
    }

    fn number(&mut self, options: &NumberOptions) {
        let whole = |bound: Option<f64>| match bound {
            Some(bound) if options.only_int && bound.fract() != 0.0 => {
                Err(FieldError::new("validation_only_int_constraint", "Decimal numbers are not allowed."))
            }
            _ => Ok(()),
        };
        self.note("min", whole(options.min));
        self.note("max", whole(options.max));
        if let (Some(min), Some(max)) = (options.min, options.max)
            && max < min
        {
            let least = crate::json::number_text(min);
            let message = format!("Must be greater or equal than {least}.");
            let error = FieldError::new("validation_min_number_constraint", &message);
            self.note("max", Err(error.with("min", Json::from(min))));
        }
    }

    fn domains(&mut self, options: &DomainOptions) {
        let list = |domains: &Option<Vec<String>>| domains.clone().unwrap_or_default();
        let (only, except) = (list(&options.only_domains), list(&options.except_domains));
        if !only.is_empty() && !except.is_empty() {
            self.note("onlyDomains", Err(empty()));
            self.note("exceptDomains", Err(empty()));
            return;
        }
        self.each("onlyDomains", &only, is_domain);
        self.each("exceptDomains", &except, is_domain);
    }

    fn autodate(&mut self, options: &AutodateOptions) {
        if !options.on_create && !options.on_update {
            let error = || FieldError::new("validation_required", "Either onCreate or onUpdate must be enabled.");
            self.note("onCreate", Err(error()));
            self.note("onUpdate", Err(error()));
            return;
        }
        let known = match self.original() {
            Some(Field { system: true, kind: FieldKind::Autodate(known), .. }) => known.clone(),
            _ => return,
        };
        for (key, before, now) in
            [("onCreate", known.on_create, options.on_create), ("onUpdate", known.on_update, options.on_update)]
        {
            self.note(key, if before == now { Ok(()) } else { Err(FieldError::mismatch()) });
        }
    }

    fn select(&mut self, options: &SelectOptions) {
        let count = options.values.as_ref().map_or(0, Vec::len);
        if count == 0 {
            self.note("values", Err(FieldError::required()));
        }
        self.note("maxSelect", within(options.max_select, 0, i64::try_from(count.max(1)).unwrap_or(LARGEST)));
    }

    fn file(&mut self, options: &FileOptions) {
        self.note("maxSelect", within(options.max_select, 0, LARGEST));
        self.note("maxSize", within(options.max_size, 0, LARGEST));
        self.each("thumbs", options.thumbs.as_deref().unwrap_or_default(), is_thumb_size);
    }

    fn relation(&mut self, options: &RelationOptions) {
        self.note("collectionId", self.relation_target(options));
        self.note("minSelect", at_least(options.min_select, 0));
        match options.max_select {
            0 if options.min_select > 0 => self.note("maxSelect", Err(FieldError::required())),
            0 => {}
            most => self.note("maxSelect", at_least(most, options.min_select)),
        }
    }

    fn relation_target(&self, options: &RelationOptions) -> Check {
        if options.collection_id.is_empty() {
            return Err(FieldError::required());
        }
        if let Some(Field { kind: FieldKind::Relation(known), .. }) = self.original()
            && known.collection_id != options.collection_id
        {
            let message = "The relation collection cannot be changed.";
            return Err(FieldError::new("validation_field_relation_change", message));
        }
        let Some(target) = self.definition.schema.by_id(&options.collection_id) else {
            let message = "The relation collection doesn't exist.";
            return Err(FieldError::new("validation_field_relation_missing_collection", message));
        };
        if target.is_view() && !self.definition.new.is_view() {
            let message = "Only view collections are allowed to have relations to other views.";
            return Err(FieldError::new("validation_relation_field_non_view_base_collection", message));
        }
        Ok(())
    }

    fn password(&mut self, options: &PasswordOptions) {
        if options.min != 0 {
            self.note("min", within(options.min, 1, MOST_PASSWORD));
        }
        if options.max != 0 {
            self.note("max", within(options.max, options.min, MOST_PASSWORD));
        }
        if options.cost != 0 {
            self.note("cost", within(options.cost, 4, 31));
        }
        self.note("pattern", regex(&options.pattern));
    }

    /// Checks the items of a list that are not empty; errors stand under their position.
    fn each(&mut self, key: &str, items: &[String], check: impl Fn(&str) -> Check) {
        let mut inner = Problems::new();
        for (at, item) in items.iter().enumerate().filter(|(_, item)| !item.is_empty()) {
            if let Err(error) = check(item) {
                inner.add(&at.to_string(), error);
            }
        }
        self.problems.nest(key, inner);
    }
}

fn empty() -> FieldError {
    FieldError::new("validation_empty", "Must be blank.")
}
