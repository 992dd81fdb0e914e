//! Who may do what: every endpoint of the OpenAPI document, called by nobody, by a stranger, by every role and by tokens
//! of every scope. What is expected is what the document says under `x-access`.

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Answer, Console, Roost};

const ROLES: [&str; 4] = ["viewer", "developer", "admin", "owner"];
const SCOPES: [&str; 3] = ["read", "write", "admin"];
const REFUSALS: [&str; 4] = ["not_signed_in", "not_allowed", "token_not_enough", "not_operator"];

/// A team with somebody of every role, a project, tokens of its owner, and somebody who has nothing to do with it.
struct World {
    team: String,
    project: String,
    people: Vec<Console>,
    stranger: Console,
    tokens: Vec<String>,
}

/// One endpoint with its parameters filled in.
struct Endpoint {
    method: Method,
    path: String,
    access: Json,
}

impl World {
    async fn new(roost: &Roost, name: &str) -> World {
        let owner = roost.sign_up_proven(&format!("owner-{name}@example.com")).await;
        let project = format!("project-{name}");
        let team = owner.create_project(&project).await.team;
        let mut people = Vec::new();
        for role in &ROLES[..3] {
            people.push(owner.invite(roost, &team, &format!("{role}-{name}@example.com"), role).await);
        }
        let mut tokens = Vec::new();
        for scope in SCOPES {
            tokens.push(owner.create_token(&team, scope).await);
        }
        people.push(owner);
        let stranger = roost.sign_up(&format!("stranger-{name}@example.com")).await;
        World { team, project, people, stranger, tokens }
    }
}

impl Endpoint {
    async fn call(&self, roost: &Roost, headers: &[(&str, &str)], world: &World) -> Answer {
        let path = self.path.replace("{slug}", &world.project).replace("{team}", &world.team);
        let path = path.replace("{id}", "nothing").replace("{account}", "nobody");
        // An event stream never ends; its head says what is asked here.
        let streams = path == "/api/events" || path.ends_with("/tail");
        let method = if streams { Method::HEAD } else { self.method.clone() };
        let body = json!({ "team": world.team, "name": "" });
        let body = (method != Method::GET && method != Method::HEAD).then_some(&body);
        roost.http.send(method, &format!("{}{path}", roost.url()), headers, body).await.expect("an answer")
    }

    async fn by(&self, roost: &Roost, person: &Console, world: &World) -> Answer {
        let origin = roost.url();
        self.call(roost, &[("cookie", person.cookie()), ("origin", origin.as_str())], world).await
    }

    async fn with(&self, roost: &Roost, token: &str, world: &World) -> Answer {
        self.call(roost, &[("authorization", &format!("Bearer {token}"))], world).await
    }

    fn is_in_team(&self) -> bool {
        self.access["who"] == "member" && !self.is_of_job()
    }

    fn is_of_job(&self) -> bool {
        self.access["of"] == "job"
    }

    /// The same for one job. To end one takes as much as the endpoint that begins it.
    fn of(&self, job: &str, begun_by: &Json) -> Endpoint {
        let mut access = if self.access["as"].is_string() { begun_by.clone() } else { self.access.clone() };
        access["of"] = json!("project");
        Endpoint { method: self.method.clone(), path: self.path.replace("{id}", job), access }
    }

    /// Whether the caller at that place of an ordered list is enough.
    fn is_enough(&self, key: &str, ordered: &[&str], index: usize) -> bool {
        let least = self.access[key].as_str().and_then(|least| ordered.iter().position(|known| *known == least));
        least.is_some_and(|least| index >= least)
    }
}

fn endpoints(document: &Json) -> Vec<Endpoint> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let method = method.to_uppercase().parse().expect("a method");
            let access = operation["x-access"].clone();
            assert!(access.is_object(), "{method} {path} does not say what it asks of whoever calls");
            found.push(Endpoint { method, path: path.clone(), access });
        }
    }
    found
}

fn assert_let_in(answer: &Answer, endpoint: &Endpoint, who: &str) {
    let code = answer.code();
    // What the path names beyond the team and the project is not there.
    let may_miss = ["{id}", "{account}", "{provider}", "{name}"].iter().any(|part| endpoint.path.contains(part));
    let refused = REFUSALS.contains(&code.as_str()) || (answer.status == 404 && !may_miss);
    assert!(!refused, "{} {} refused {who}: {} {code}", endpoint.method, endpoint.path, answer.status);
}

fn assert_refused(answer: &Answer, endpoint: &Endpoint, who: &str, status: u16) {
    // A HEAD has no body to say why.
    assert_eq!(answer.status, status, "{} {} let {who} in: {}", endpoint.method, endpoint.path, answer.code());
}

/// Strangers do not learn of it, and members and tokens that are not enough are refused.
async fn assert_others_refused(roost: &Roost, world: &World, endpoint: &Endpoint) {
    let stranger = endpoint.by(roost, &world.stranger, world).await;
    let hidden = if endpoint.access["of"] == "body" { 400 } else { 404 };
    assert_refused(&stranger, endpoint, "a stranger", hidden);
    for (index, person) in world.people.iter().enumerate() {
        if !endpoint.is_enough("role", &ROLES, index) {
            assert_refused(&endpoint.by(roost, person, world).await, endpoint, ROLES[index], 403);
        }
    }
    for (index, token) in world.tokens.iter().enumerate() {
        if !endpoint.is_enough("scope", &SCOPES, index) {
            assert_refused(&endpoint.with(roost, token, world).await, endpoint, SCOPES[index], 403);
        }
    }
}

/// Tokens and members that are enough are let in.
async fn assert_members_let_in(roost: &Roost, world: &World, endpoint: &Endpoint) {
    for (index, token) in world.tokens.iter().enumerate() {
        if endpoint.is_enough("scope", &SCOPES, index) {
            assert_let_in(&endpoint.with(roost, token, world).await, endpoint, SCOPES[index]);
        }
    }
    for (index, person) in world.people.iter().enumerate() {
        if endpoint.is_enough("role", &ROLES, index) {
            assert_let_in(&endpoint.by(roost, person, world).await, endpoint, ROLES[index]);
        }
    }
}

#[tokio::test]
async fn whoever_is_not_enough_is_refused_by_every_endpoint() {
    let roost = Roost::start();
    roost.sign_up("operator@example.com").await;
    let world = World::new(&roost, "a").await;
    let document = roost.http.get(&format!("{}/api/openapi.json", roost.url())).await.json();
    for endpoint in &endpoints(&document) {
        let who = endpoint.access["who"].as_str().expect("who");
        let nobody = endpoint.call(&roost, &[], &world).await;
        if who == "anyone" {
            assert_let_in(&nobody, endpoint, "nobody");
            continue;
        }
        assert_refused(&nobody, endpoint, "nobody", 401);
        assert_refused(&endpoint.with(&roost, "roost_unknown", &world).await, endpoint, "an unknown token", 401);
        match who {
            "person" => {
                for (token, scope) in world.tokens.iter().zip(SCOPES) {
                    assert_refused(&endpoint.with(&roost, token, &world).await, endpoint, scope, 403);
                }
            }
            "operator" => {
                for (person, role) in world.people.iter().zip(ROLES) {
                    assert_refused(&endpoint.by(&roost, person, &world).await, endpoint, role, 403);
                }
            }
            _ => {}
        }
        if endpoint.is_in_team() {
            assert_others_refused(&roost, &world, endpoint).await;
        }
    }
}

#[tokio::test]
async fn whoever_is_enough_is_let_in_by_every_endpoint() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    let document = roost.http.get(&format!("{}/api/openapi.json", roost.url())).await.json();
    let mut shared = World::new(&roost, "shared").await;
    for (number, endpoint) in endpoints(&document).iter().enumerate() {
        // What changes something does it to people and a project of its own.
        if endpoint.method != Method::GET {
            shared = World::new(&roost, &number.to_string()).await;
        }
        let world = &shared;
        let who = endpoint.access["who"].as_str().expect("who");
        match who {
            "operator" => {
                assert_let_in(&endpoint.by(&roost, &operator, world).await, endpoint, "an operator");
            }
            "person" | "account" => {
                assert_let_in(&endpoint.by(&roost, &world.people[0], world).await, endpoint, "a viewer");
            }
            _ => {}
        }
        if who == "account" {
            assert_let_in(&endpoint.with(&roost, &world.tokens[0], world).await, endpoint, "a token");
        }
        if endpoint.is_in_team() {
            assert_members_let_in(&roost, world, endpoint).await;
        }
    }
}

#[tokio::test]
async fn whoever_may_begin_a_job_may_end_it_and_its_whole_team_sees_it() {
    let roost = Roost::start();
    roost.sign_up("operator@example.com").await;
    let world = World::new(&roost, "a").await;
    let document = roost.http.get(&format!("{}/api/openapi.json", roost.url())).await.json();
    let of_jobs: Vec<Endpoint> = endpoints(&document).into_iter().filter(Endpoint::is_of_job).collect();
    assert_eq!(of_jobs.len(), 2, "a job is shown and cancelled");

    let owner = &world.people[3];
    let project = format!("/api/projects/{}", world.project);
    owner.finish(&format!("{project}/backups")).await;
    let backup = format!("backups/{}", owner.backups(&world.project).await[0]["id"].as_str().expect("an id"));
    let zip = owner.call(Method::GET, &format!("{project}/{backup}/zip"), None).await.expect("an answer").body;
    let restored = owner.begin(&format!("{project}/{backup}/restore")).await;
    assert_eq!(owner.end_of(&restored).await, "done");

    let copies = roost.tenant_dirs()[0].join("copies");
    let aside = copies.with_extension("aside");
    for (method, of_project, path) in [
        (Method::POST, "/backups", "backups".to_owned()),
        (Method::POST, "/imports", "imports".to_owned()),
        (Method::POST, "/backups/{id}/restore", format!("{backup}/restore")),
        (Method::POST, "/restores/{id}/undo", format!("restores/{restored}/undo")),
        // After a check that failed the backup cannot be restored.
        (Method::POST, "/backups/{id}/check", format!("{backup}/check")),
        (Method::DELETE, "", String::new()),
    ] {
        // Without a place for copies a job is tried again for hours.
        std::fs::rename(&copies, &aside).expect("is put aside");
        std::fs::write(&copies, "a file where the directory should be").expect("is written");
        let job = match of_project {
            "" => {
                owner.change(method.clone(), &project, &json!({ "slug": world.project })).await;
                let jobs = owner.get(&format!("{project}/backups")).await["jobs"].take();
                jobs[0]["id"].as_str().expect("the backup before deleting").to_owned()
            }
            "/imports" => {
                let begun = owner.send_zip(&format!("{project}/{path}"), zip.to_vec()).await.expect("an answer").json();
                begun["jobId"].as_str().expect("a job").to_owned()
            }
            _ => owner.begin(&format!("{project}/{path}")).await,
        };
        let begins = &document["paths"][format!("/api/projects/{{slug}}{of_project}")][method.as_str().to_lowercase()];
        let endpoints: Vec<Endpoint> = of_jobs.iter().map(|it| it.of(&job, &begins["x-access"])).collect();
        for endpoint in &endpoints {
            assert_others_refused(&roost, &world, endpoint).await;
        }
        std::fs::remove_file(&copies).expect("is removed");
        std::fs::rename(&aside, &copies).expect("is put back");
        for endpoint in &endpoints {
            assert_members_let_in(&roost, &world, endpoint).await;
        }
        owner.end_of(&job).await;
    }
}
