//! The `fields` of a definition: the list as a whole, then each field's own options.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::limits::{LARGEST, about_field, at_least, at_most, length, matches_word, within};
use super::{Check, Definition, no_via};
use crate::error::{FieldError, Problem, Problems};
use crate::records::pattern;
use crate::schema::field::{
    AutodateOptions, DomainOptions, FileOptions, NumberOptions, PasswordOptions, RelationOptions, SelectOptions,
    TextOptions,
};
use crate::schema::{Field, FieldKind};

const RESERVED: [&str; 7] = ["null", "true", "false", "_rowid_", "expand", "collectionId", "collectionName"];
const MOST_PASSWORD: i64 = 71;

/// Notes what is wrong: the first fault of the list, else those of all fields.
pub fn validate(definition: &Definition<'_>, problems: &mut Problems) {
    match list(definition) {
        Err(Problem::Item(error)) => problems.add("fields", error),
        Err(Problem::Nested(inner)) => problems.nest("fields", inner),
        Ok(()) => {
            let mut inner = Problems::new();
            for (at, field) in definition.new.fields.iter().enumerate() {
                inner.nest(&at.to_string(), Settings { definition, field, problems: Problems::new() }.check());
            }
            problems.nest("fields", inner);
        }
    }
}

/// Whether a field may have that name.
pub fn field_name(name: &str) -> Result<(), FieldError> {
    length(name, 1, 100)?;
    matches_word(name)?;
    if RESERVED.contains(&name) {
        return Err(FieldError::new("validation_not_in_invalid", "Must not be in list."));
    }
    no_via(name)
}

fn list(definition: &Definition<'_>) -> Result<(), Problem> {
    let fields = &definition.new.fields;
    let mut names = HashSet::new();
    for (at, field) in fields.iter().enumerate() {
        if !names.insert(field.name.to_lowercase()) {
            let message = format!("Duplicated or invalid field name {}", field.name);
            return Err(of_name(at, about_field("validation_duplicated_field_name", &message, &field.name)));
        }
    }
    if fields.is_empty() {
        return Err(Problem::Item(FieldError::required()));
    }
    if !fields.iter().any(|field| field.name == "id" && is_primary_key(field)) {
        let message = "Missing or invalid \"id\" PK field.";
        return Err(Problem::Item(FieldError::new("validation_missing_primary_key", message)));
    }
    if !definition.new.is_view() {
        unchanged_system_fields(definition)?;
        unchanged_types(definition)?;
    }
    let reserved = |field: &Field| matches!(field.name.as_str(), "passwordConfirm" | "oldPassword");
    match fields.iter().position(reserved) {
        Some(at) if definition.new.is_auth() => {
            let message = "The field name is reserved and cannot be used.";
            Err(of_name(at, FieldError::new("validation_reserved_field_name", message)))
        }
        _ => Ok(()),
    }
}

fn unchanged_system_fields(definition: &Definition<'_>) -> Result<(), Problem> {
    let originals = definition.original.into_iter().flat_map(|original| &original.fields);
    for original in originals.filter(|field| field.system) {
        if definition.new.field_by_id(&original.id).is_none_or(|field| field.name != original.name) {
            let message = "System fields cannot be deleted or renamed.";
            return Err(Problem::Item(FieldError::new("validation_system_field_change", message)));
        }
    }
    Ok(())
}

fn unchanged_types(definition: &Definition<'_>) -> Result<(), Problem> {
    let Some(original) = definition.original else { return Ok(()) };
    for (at, field) in definition.new.fields.iter().enumerate() {
        if original.field_by_id(&field.id).is_some_and(|known| known.kind.name() != field.kind.name()) {
            let error = FieldError::new("validation_field_type_change", "Field type cannot be changed.");
            return Err(Problem::Nested(Problems::of(&at.to_string(), error)));
        }
    }
    Ok(())
}

fn of_name(at: usize, error: FieldError) -> Problem {
    let mut problems = Problems::new();
    problems.nest(&at.to_string(), Problems::of("name", error));
    Problem::Nested(problems)
}

fn is_primary_key(field: &Field) -> bool {
    matches!(&field.kind, FieldKind::Text(options) if options.primary_key)
}

/// One field's settings.
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

fn regex(pattern: &str) -> Check {
    match regex::Regex::new(pattern) {
        Ok(_) => Ok(()),
        Err(regex::Error::Syntax(_)) => {
            let reason = match regex_syntax::Parser::new().parse(pattern) {
                Err(regex_syntax::Error::Parse(error)) => error.kind().to_string(),
                Err(regex_syntax::Error::Translate(error)) => error.kind().to_string(),
                _ => "unsupported expression".to_owned(),
            };
            Err(FieldError::new("validation_invalid_regex", &format!("Error parsing regexp: {reason}: `{pattern}`")))
        }
        Err(error) => Err(FieldError::new("validation_invalid_regex", &error.to_string())),
    }
}

/// Texts made from the pattern must be values the field accepts.
fn autogenerate(options: &TextOptions) -> Check {
    const TRIALS: usize = 10;
    if options.autogenerate_pattern.is_empty() {
        return Ok(());
    }
    regex(&options.autogenerate_pattern)?;
    for _ in 0..TRIALS {
        let made = pattern::generate(&options.autogenerate_pattern)
            .map_err(|reason| FieldError::new("validation_invalid_autogenerate_pattern", &reason))?;
        let length = i64::try_from(made.chars().count()).unwrap_or(LARGEST);
        let most = if options.max == 0 { 5000 } else { options.max };
        let fits = at_least(length, options.min).and_then(|()| at_most(length, most)).is_ok()
            && (options.pattern.is_empty() || pattern::is_match(&options.pattern, &made));
        if !fits {
            let message =
                format!("The provided autogenerate pattern could produce invalid field values, ex.: {made:?}");
            return Err(FieldError::new("validation_invalid_autogenerate_pattern_value", &message));
        }
    }
    Ok(())
}

fn is_domain(text: &str) -> Check {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = text.rsplit('.').next().unwrap_or_default();
    if text.contains('.') && text.split('.').all(is_label) && top.len() > 1 {
        return Ok(());
    }
    Err(FieldError::new("validation_is_domain", "Must be a valid domain."))
}

/// `100x50`, `0x50`, with `t`, `b` or `f` at the end for another way to fit.
fn is_thumb_size(text: &str) -> Check {
    if matches!(text, "0x0" | "0x0t" | "0x0b" | "0x0f") {
        return Err(FieldError::new("validation_not_in_invalid", "Must not be in list."));
    }
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let size = text.strip_suffix(['t', 'b', 'f']).unwrap_or(text);
    match size.split_once('x') {
        Some((width, height)) if is_number(width) && is_number(height) => Ok(()),
        _ => Err(FieldError::new("validation_match_invalid", "Must be in a valid format.")),
    }
}
