// Made by tools/gen-api.mjs from openapi.json; do not edit.

export interface paths {
    "/api/account": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The signed-in account */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Account"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Changes the name or the password */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["AccountChange"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Account"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Opens an account and signs in */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewAccount"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Account"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the console needs to know before anybody signs in */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Config"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A stream of what changes: `project` with the whole project, `projectGone` with its id, `domain` with `projectId` and the
         *     whole `domain`, `domainGone` with `projectId` and `name`
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/event-stream": string;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the console answers */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Health"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One job of the account's projects */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Job"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/outbox": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Mails of the platform, in development only */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Outbox"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/password-reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a mail with which a new password can be chosen, if there is such an account */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Address"];
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/password-reset/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sets a new password with the secret from the mail, and ends all sessions */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewPassword"];
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The account's projects, deleted ones in their grace period included */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ProjectList"];
                    };
                };
            };
        };
        put?: never;
        /** Creates a project; usually it serves when this answers */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewProject"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CreatedProject"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{slug}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One project */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Project"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Deletes a project; it can be brought back until `deletedUntilMs` */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Confirmation"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Project"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes name or address; the old address stops working at once */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ProjectChange"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Project"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/projects/{slug}/activity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened to a project, newest first */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ActivityList"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{slug}/domains": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A project's domains, oldest first */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DomainList"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        put?: never;
        /** Adds a domain; the answer says which records to set */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewDomain"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Domain"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{slug}/domains/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One domain */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Domain"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Removes a domain; it stops answering at once */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{slug}/domains/{name}/look": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Looks at a domain now; one that failed begins anew */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Domain"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{slug}/superuser": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Sets the password of one of the project's superusers, who is created if there is none with that address */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["SuperuserCredentials"];
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{slug}/undelete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Brings a deleted project back */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Project"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{slug}/wake": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Wakes a project that sleeps */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Project"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs in */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Credentials"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Account"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        /** Signs out */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/slugs/{slug}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether an address can be had */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SlugCheck"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/verification": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends the verification mail again */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/verification/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Proves a mail address with the secret from the mail */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Account"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description An account as the console shows it. */
        Account: {
            /**
             * Format: int64
             * @description Milliseconds since the epoch.
             */
            createdMs: number;
            /** @description In lower case. */
            email: string;
            /** @description Stable. */
            id: string;
            /** @description What they want to be called; may be empty. */
            name: string;
            /** @description Whether they run this installation. */
            operator: boolean;
            /** @description Whether the address is proven. */
            verified: boolean;
        };
        AccountChange: {
            currentPassword?: string | null;
            name?: string | null;
            password?: string | null;
        };
        /** @description One line of a project's activity. */
        Activity: {
            /**
             * Format: int64
             * @description When, in milliseconds since the epoch.
             */
            atMs: number;
            /** @description A stable word such as `created` or `renamed`. */
            kind: string;
            /** @description A sentence. */
            text: string;
        };
        ActivityList: {
            items: components["schemas"]["Activity"][];
        };
        Address: {
            email: string;
        };
        /** @description What there is to say about a certificate. */
        CertificateFacts: {
            /**
             * Format: int64
             * @description When it ends.
             */
            expiresMs: number;
            /** @description The name of the authority in the settings. */
            issuer: string;
            /**
             * Format: int64
             * @description When it is to be renewed.
             */
            renewMs: number;
        };
        /** @description What was found about a domain, beside what is wanted. */
        Check: {
            /** @description The values found. */
            found: string[];
            /** @description What was looked at. */
            kind: components["schemas"]["CheckKind"];
            /** @description A sentence. */
            message: string;
            /** @description Whether it is right. */
            state: components["schemas"]["CheckState"];
            /** @description The value wanted, where there is one. */
            wanted?: string | null;
        };
        /**
         * @description What is looked at.
         * @enum {string}
         */
        CheckKind: "a" | "aaaa" | "caa" | "http" | "txt";
        /**
         * @description How a check came out.
         * @enum {string}
         */
        CheckState: "ok" | "wrong" | "missing" | "waiting";
        /** @description What the console needs to know before anybody signs in */
        Config: {
            /** @description Whether domains get certificates by themselves. */
            certificates: boolean;
            consoleUrl: string;
            domain: string;
            /** Format: int32 */
            graceDays: number;
            /** @description Whether mails are kept in an outbox instead of being sent: in development only. */
            outbox: boolean;
            /** @description With `{slug}` where the project's slug stands. */
            projectUrl: string;
            /**
             * Format: int32
             * @description How long a domain that was removed is nobody else's without a proof.
             */
            quarantineDays: number;
            signUp: components["schemas"]["SignUp"];
            /** Format: int64 */
            sleepAfterMs: number;
        };
        Confirmation: {
            /** @description The project's slug, typed by hand. */
            slug: string;
        };
        CreatedProject: {
            project: components["schemas"]["Project"];
            superuser: components["schemas"]["CreatedSuperuser"];
        };
        CreatedSuperuser: {
            email: string;
            /** @description Only when it was made here; it is shown this once. */
            password?: string | null;
        };
        Credentials: {
            email: string;
            password: string;
        };
        /** @description A record to be set at the domain's DNS provider. */
        DnsRecord: {
            /** @description Its type. */
            kind: components["schemas"]["RecordKind"];
            /** @description The whole name it stands at. */
            name: string;
            /** @description The value, exactly. */
            wanted: string;
        };
        /** @description A domain as the console shows it. */
        Domain: {
            certificate?: components["schemas"]["CertificateFacts"] | null;
            /** @description What was found at the last look. */
            checks: components["schemas"]["Check"][];
            /**
             * Format: int64
             * @description When it was added.
             */
            createdMs: number;
            /**
             * Format: int64
             * @description When the state is given up. Of a live domain: when its certificate ends; of a failed one: when it is removed.
             */
            deadlineMs: number;
            /**
             * Format: int64
             * @description When its DNS was last looked at.
             */
            lookedMs?: number | null;
            /** @description The same in a sentence; the certificate authority's own words where it refused. */
            message?: string | null;
            /** @description In lower case and ASCII. */
            name: string;
            /** @description Why it waits for a proof, does not get a certificate, or failed: a stable code. */
            reason?: string | null;
            /** @description What to set. Where a CNAME is listed it stands for A and AAAA together: set either. */
            records: components["schemas"]["DnsRecord"][];
            /**
             * Format: int64
             * @description Since when it is in this state, in milliseconds since the epoch, like the others.
             */
            sinceMs: number;
            /** @description How far it has come. */
            state: components["schemas"]["DomainState"];
        };
        DomainList: {
            items: components["schemas"]["Domain"][];
        };
        /**
         * @description How far a domain has come.
         * @enum {string}
         */
        DomainState: "dnsWait" | "verifying" | "issuing" | "live" | "failed";
        /** @description The envelope, for the OpenAPI document. */
        Error: {
            /** @description `code` for the whole request, or one `{code, message}` for each field. */
            data: Record<string, never>;
            /** @description A sentence. */
            message: string;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
        };
        Health: {
            /** Format: int32 */
            code: number;
            message: string;
        };
        /** @description A job as the console shows it. Its input may hold secrets and is not shown. */
        Job: {
            /**
             * Format: int64
             * @description Milliseconds since the epoch, like the others.
             */
            createdMs: number;
            /**
             * Format: int64
             * @description When it is given up.
             */
            deadlineMs: number;
            /** @description Why the last try failed. */
            error?: string | null;
            /** @description Stable. */
            id: string;
            /** @description Such as `purge_project`. */
            kind: string;
            /** @description `queued`, `running`, `done`, `failed` or `cancelled`. */
            state: string;
            /** @description The step it is at. */
            step: string;
            /**
             * Format: int64
             * @description Of the last change.
             */
            updatedMs: number;
        };
        NewAccount: {
            email: string;
            name?: string;
            password: string;
        };
        NewDomain: {
            name: string;
        };
        NewPassword: {
            password: string;
            token: string;
        };
        NewProject: {
            name: string;
            slug?: string | null;
            superuser?: components["schemas"]["SuperuserCredentials"] | null;
        };
        Outbox: {
            items: components["schemas"]["OutboxMail"][];
        };
        /** @description A mail as the development outbox shows it. */
        OutboxMail: {
            /** Format: int64 */
            atMs: number;
            html: string;
            id: string;
            /** @description The one link of the mail. */
            link?: string | null;
            subject: string;
            text: string;
            to: string;
        };
        /** @description A project as the console shows it. */
        Project: {
            /**
             * Format: int64
             * @description Milliseconds since the epoch, like the others.
             */
            createdMs: number;
            /**
             * Format: int64
             * @description Size of its database.
             */
            databaseBytes: number;
            /**
             * Format: int64
             * @description Until when a deleted project can be brought back.
             */
            deletedUntilMs?: number | null;
            /** @description The address SDKs are given. */
            endpoint: string;
            /**
             * Format: int64
             * @description When the first request of all came.
             */
            firstRequestMs?: number | null;
            /** @description Stable. */
            id: string;
            /**
             * Format: int64
             * @description When the latest came.
             */
            lastRequestMs?: number | null;
            /** @description What people call it. */
            name: string;
            /** @description Why it is suspended, not starting or damaged. */
            reason?: string | null;
            /**
             * Format: int64
             * @description How many came.
             */
            requests: number;
            /** @description What the account may do with it. */
            role: components["schemas"]["Role"];
            /** @description The first label of its address. */
            slug: string;
            /** @description What it is doing. */
            state: components["schemas"]["ProjectState"];
            /**
             * Format: int64
             * @description Since when, in milliseconds since the epoch.
             */
            stateSinceMs: number;
            /**
             * Format: int64
             * @description Size of its files.
             */
            storageBytes: number;
        };
        ProjectChange: {
            name?: string | null;
            slug?: string | null;
        };
        ProjectList: {
            items: components["schemas"]["Project"][];
            /**
             * Format: int64
             * @description How many the account may have.
             */
            limit: number;
        };
        /**
         * @description What a project is doing.
         * @enum {string}
         */
        ProjectState: "creating" | "awake" | "asleep" | "waking" | "suspended" | "notStarting" | "damaged" | "deleted";
        /**
         * @description A record's type.
         * @enum {string}
         */
        RecordKind: "A" | "AAAA" | "CNAME" | "TXT";
        /**
         * @description What a member of a team is.
         * @enum {string}
         */
        Role: "viewer" | "developer" | "admin" | "owner";
        /**
         * @description Who may open an account.
         * @enum {string}
         */
        SignUp: "open" | "invite" | "closed";
        /** @description Whether an address can be had */
        SlugCheck: {
            available: boolean;
            code?: string | null;
            message?: string | null;
            slug: string;
        };
        SuperuserCredentials: {
            email: string;
            password: string;
        };
        Token: {
            token: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
