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
        /** Erases the account and everything that tells who it was, after mailing a link to the data of its projects */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Erasure"];
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
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
                409: {
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
    "/api/account/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the account did, and from where; signing in included */
        get: {
            parameters: {
                query?: {
                    /** @description Part of the sentence, of the mail address, of the token's name or of the client's address. */
                    search?: string;
                    /** @description Only lines of this kind, such as `renamed`. */
                    kind?: string;
                    /** @description Only what the account with this id did. */
                    by?: string;
                    /** @description `next` of the page before. */
                    before?: string;
                };
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
                        "application/json": components["schemas"]["AuditPage"];
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
    "/api/account/email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a mail to a new address, with which it becomes the account's */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewAddress"];
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
    "/api/account/email/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes the new address the account's, with the secret from the mail */
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
    "/api/account/second-factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether a second factor is on */
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
                        "application/json": components["schemas"]["SecondFactor"];
                    };
                };
            };
        };
        put?: never;
        /** Proposes a secret for a device; nothing is asked for until a code of it is confirmed */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Beginning"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Proposal"];
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
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
            };
        };
        /** Switches the second factor off */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Code"];
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
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/account/second-factor/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Switches the second factor on with a code from the device */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Code"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RecoveryCodes"];
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
    "/api/account/second-factor/recovery-codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes new recovery codes; the old ones stop working */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Code"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RecoveryCodes"];
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
    "/api/account/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Where the account is signed in */
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
                        "application/json": components["schemas"]["SessionList"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Ends all sessions but the one that asks */
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
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/account/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends one session */
        delete: {
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
    "/api/account/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The account's own tokens */
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
                        "application/json": components["schemas"]["TokenList"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a token; its secret is in this answer and never again */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewToken"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CreatedToken"];
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
    "/api/account/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes one of the account's own tokens: from the next request on it counts no more */
        delete: {
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
         *     whole `domain`, `domainGone` with `projectId` and `name`, `job` with the whole job. It ends with the session
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
    "/api/exports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The projects whose data can be fetched with the secret from the mail */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ExportSecret"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Export"];
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
    "/api/exports/zip": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** One project's data as a zip that a stock PocketBase restores; a form, so that a page's button saves it to a file */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/x-www-form-urlencoded": components["schemas"]["ExportForm"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/zip": number[];
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
    "/api/invitations/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Joins the team one was invited to, with the secret from the mail */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["InvitationSecret"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Team"];
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
    "/api/invitations/show": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What an invitation is for, with the secret from the mail */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["InvitationSecret"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Invitation"];
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
                        "application/json": components["schemas"]["JobWithLog"];
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
    "/api/jobs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancels a job; everything is as it was before it began */
        post: {
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
                403: {
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
                409: {
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
    "/api/operator/attention": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What needs somebody, the most urgent first */
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
                        "application/json": components["schemas"]["AttentionList"];
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
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/operator/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What everybody did */
        get: {
            parameters: {
                query?: {
                    /** @description Part of the sentence, of the mail address, of the token's name or of the client's address. */
                    search?: string;
                    /** @description Only lines of this kind, such as `renamed`. */
                    kind?: string;
                    /** @description Only what the account with this id did. */
                    by?: string;
                    /** @description `next` of the page before. */
                    before?: string;
                };
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
                        "application/json": components["schemas"]["AuditPage"];
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
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/operator/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Jobs of all projects and of the platform */
        get: {
            parameters: {
                query?: {
                    /** @description `queued`, `running`, `done`, `failed` or `cancelled`; empty for all. */
                    state?: string;
                    /** @description Such as `backup`; empty for all. */
                    kind?: string;
                    /** @description `next` of the page before. */
                    before?: string;
                };
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
                        "application/json": components["schemas"]["OperatorJobPage"];
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
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/operator/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A job with its log */
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
                        "application/json": components["schemas"]["OperatorJobWithLog"];
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
    "/api/operator/jobs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancels a job; everything is as it was before it began */
        post: {
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
                        "application/json": components["schemas"]["OperatorJob"];
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
                409: {
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
    "/api/operator/jobs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries a job again that failed */
        post: {
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
                        "application/json": components["schemas"]["OperatorJob"];
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
                409: {
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
    "/api/operator/node": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This machine: load, memory, disk and its forecast, wakes, projects, jobs, certificates */
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
                        "application/json": components["schemas"]["NodeView"];
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
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/operator/plans/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Gives a plan other figures, for all projects that have it, or makes a plan */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    name: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PlanDraft"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NamedPlan"];
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
        post?: never;
        /** Has a plan be what the settings say again; one made here goes, unless a project has it */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
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
                409: {
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
    "/api/operator/plans/{name}/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What such a plan would mean for the projects that have it; nothing is changed */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    name: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PlanDraft"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PlanPreview"];
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
    "/api/operator/purges": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Deleted projects that wait for an operator's word to be removed for good */
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
                        "application/json": components["schemas"]["PurgeList"];
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
        put?: never;
        /** Lets the projects go that are held now; they are removed for good */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PurgeConfirmation"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PurgeList"];
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
    "/api/operator/tenants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everybody's projects */
        get: {
            parameters: {
                query?: {
                    /** @description Part of the slug, the name, the id, the team's name or an owner's mail address. */
                    query?: string;
                    /** @description Only those in this state, such as `awake` or `suspended`. */
                    state?: string;
                    /** @description `name`, `size`, `requests`, `pace` (requests a second now) or `lastRequest`; the largest or latest first. */
                    sort?: string;
                    /** @description Counted from 1. */
                    page?: number;
                };
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
                        "application/json": components["schemas"]["TenantPage"];
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
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/operator/tenants/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One project, its people and its latest jobs */
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
                        "application/json": components["schemas"]["TenantDetails"];
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
    "/api/operator/tenants/{id}/limits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Gives a project another plan, figures of its own, or both */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Assignment"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["TenantDetails"];
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
    "/api/operator/tenants/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a suspended project go on */
        post: {
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
                        "application/json": components["schemas"]["Tenant"];
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
    "/api/operator/tenants/{id}/sleep": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts a project to sleep: event streams end, everything else is answered first, and the next request wakes it */
        post: {
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
                        "application/json": components["schemas"]["Tenant"];
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
                409: {
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
    "/api/operator/tenants/{id}/suspend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stops a project: it answers everybody with the reason, and its people can still export and delete it */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Suspension"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Tenant"];
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
                409: {
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
    "/api/plans": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The plans there are; 0 is no limit */
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
                        "application/json": components["schemas"]["PlanList"];
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
    "/api/projects/{slug}/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was done to a project, by whom, from where */
        get: {
            parameters: {
                query?: {
                    /** @description Part of the sentence, of the mail address, of the token's name or of the client's address. */
                    search?: string;
                    /** @description Only lines of this kind, such as `renamed`. */
                    kind?: string;
                    /** @description Only what the account with this id did. */
                    by?: string;
                    /** @description `next` of the page before. */
                    before?: string;
                };
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
                        "application/json": components["schemas"]["AuditPage"];
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
    "/api/projects/{slug}/backup-schedule": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** When a project is backed up, and how much of that is kept */
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
                        "application/json": components["schemas"]["ShownSchedule"];
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
        /** Sets when a project is backed up, and how much of that is kept */
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
                    "application/json": components["schemas"]["Schedule"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ShownSchedule"];
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
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{slug}/backups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A project's backups and restores, newest first */
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
                        "application/json": components["schemas"]["BackupList"];
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
        /** Makes a backup now */
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
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Begun"];
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
                409: {
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
    "/api/projects/{slug}/backups/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Removes a backup for good; the last proven one stays */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                    id: string;
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
                409: {
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
    "/api/projects/{slug}/backups/{id}/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Restores a backup aside once more to prove it */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Begun"];
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
                409: {
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
    "/api/projects/{slug}/backups/{id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Restores a backup in the place of the present data, which is backed up first, or into a new project */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Wanted"];
                };
            };
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Begun"];
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
                409: {
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
    "/api/projects/{slug}/backups/{id}/zip": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A backup as a zip that a stock PocketBase restores */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
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
                        "application/zip": number[];
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
                403: {
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
    "/api/projects/{slug}/imports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes in a zip of a PocketBase or of a Roost project; it is checked, and nothing changes before it is restored */
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
                    "application/zip": number[];
                };
            };
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Begun"];
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
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Error"];
                    };
                };
                413: {
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
    "/api/projects/{slug}/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A project's latest jobs, newest first */
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
                        "application/json": components["schemas"]["JobList"];
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
    "/api/projects/{slug}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a project logged, newest first; one that sleeps goes on sleeping */
        get: {
            parameters: {
                query?: {
                    /** @description Part of the message or of the data. */
                    query?: string;
                    /** @description Of this level or a higher one: -4 debug, 0 info, 4 warning, 8 error. */
                    level?: number;
                    /** @description Only for pages: `next` of the page before. */
                    before?: number;
                    /** @description Only for a tail: the `position` of the newest entry one has, so that nothing is missed. */
                    after?: number;
                    /** @description Only for pages: 1 to 500, 50 unless it is said. */
                    limit?: number;
                };
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
                        "application/json": components["schemas"]["ProjectLogPage"];
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
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects/{slug}/logs/tail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A stream of what a project logs from now on, or since `after`: events `entry`, each with one entry */
        get: {
            parameters: {
                query?: {
                    /** @description Part of the message or of the data. */
                    query?: string;
                    /** @description Of this level or a higher one: -4 debug, 0 info, 4 warning, 8 error. */
                    level?: number;
                    /** @description Only for pages: `next` of the page before. */
                    before?: number;
                    /** @description Only for a tail: the `position` of the newest entry one has, so that nothing is missed. */
                    after?: number;
                    /** @description Only for pages: 1 to 500, 50 unless it is said. */
                    limit?: number;
                };
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
                        "text/event-stream": string;
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
    "/api/projects/{slug}/restores/{id}/undo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Goes back to the data before a restore */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    slug: string;
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Begun"];
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
                409: {
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
    "/api/projects/{slug}/sleep": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts a project to sleep: event streams end, everything else is answered first, and the next request wakes it */
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
                409: {
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
    "/api/projects/{slug}/support": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether operators may see what is in the project */
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
                        "application/json": components["schemas"]["SupportAccess"];
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
        /** Lets operators see what is in the project for so many hours; given again, from now on */
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
                    "application/json": components["schemas"]["NewGrant"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SupportAccess"];
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
        /** Ends it at once */
        delete: {
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
    "/api/projects/{slug}/transfer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Hands a project over to another team of the account */
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
                    "application/json": components["schemas"]["Transfer"];
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
                403: {
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
    "/api/projects/{slug}/undelete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Brings a deleted project back, unless it is being removed for good */
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
                403: {
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
                409: {
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
    "/api/projects/{slug}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a project uses of what it is granted, and used by the hour */
        get: {
            parameters: {
                query?: {
                    /** @description Milliseconds since the epoch; 30 days ago when absent. */
                    from?: number;
                    /** @description The same; now when absent. */
                    to?: number;
                };
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
                        "application/json": components["schemas"]["Usage"];
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
                403: {
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
    "/api/session/second-factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs in with a code from a device, after a provider said who it is */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Ticket"];
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
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sign-in/{provider}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sends a browser to a provider's page, or says at the sign-in page why not */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    provider: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                303: {
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
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sign-in/{provider}/return": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Signs in whom a provider sends back, or says at the sign-in page why not */
        get: {
            parameters: {
                query: {
                    code: string;
                    state: string;
                };
                header?: never;
                path: {
                    provider: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                303: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
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
    "/api/teams": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The account's teams */
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
                        "application/json": components["schemas"]["TeamList"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a team, which the account owns */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["TeamName"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Team"];
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
    "/api/teams/{team}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A team and its people */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    team: string;
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
                        "application/json": components["schemas"]["TeamWithPeople"];
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
        /** Removes a team without projects */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    team: string;
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
                409: {
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
        /** Changes a team's name */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    team: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["TeamName"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Team"];
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
    "/api/teams/{team}/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was done to a team, its people and its projects */
        get: {
            parameters: {
                query?: {
                    /** @description Part of the sentence, of the mail address, of the token's name or of the client's address. */
                    search?: string;
                    /** @description Only lines of this kind, such as `renamed`. */
                    kind?: string;
                    /** @description Only what the account with this id did. */
                    by?: string;
                    /** @description `next` of the page before. */
                    before?: string;
                };
                header?: never;
                path: {
                    team: string;
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
                        "application/json": components["schemas"]["AuditPage"];
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
    "/api/teams/{team}/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Invitations nobody accepted yet */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    team: string;
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
                        "application/json": components["schemas"]["InvitationList"];
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
        /** Invites somebody by mail; the link works once, for a week */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    team: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewInvitation"];
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
                403: {
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
    "/api/teams/{team}/invitations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Takes an invitation back; its link stops working */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    team: string;
                    id: string;
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
                403: {
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
        patch?: never;
        trace?: never;
    };
    "/api/teams/{team}/invitations/{id}/resend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends an invitation again, with a new link and a new week */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    team: string;
                    id: string;
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
                403: {
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
    "/api/teams/{team}/leave": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Leaves a team; its last owner cannot */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    team: string;
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
                409: {
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
    "/api/teams/{team}/members/{account}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Takes somebody out of a team */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    team: string;
                    account: string;
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
                403: {
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
                409: {
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
        /** Changes what somebody is in a team */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    team: string;
                    account: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewRole"];
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                403: {
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
                409: {
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
    "/api/teams/{team}/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All tokens for a team and its projects */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    team: string;
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
                        "application/json": components["schemas"]["TokenList"];
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
    "/api/teams/{team}/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes a token for a team, whoever made it */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    team: string;
                    id: string;
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
                403: {
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
            /** @description Whether there is a password; without one they sign in with a provider. */
            hasPassword: boolean;
            /** @description Stable. */
            id: string;
            /** @description What they want to be called; may be empty. */
            name: string;
            /** @description Whether they run this installation. */
            operator: boolean;
            /** @description Whether a code from a device is asked for beside the password. */
            secondFactor: boolean;
            /** @description Whether the address is proven. */
            verified: boolean;
        };
        AccountChange: {
            /** @description From the device, if a second factor is on and the password changes. */
            code?: string | null;
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
        /** @description A token as people see it. */
        ApiToken: {
            /**
             * Format: int64
             * @description Milliseconds since the epoch, like the others.
             */
            createdMs: number;
            /**
             * Format: int64
             * @description When it stops working.
             */
            expiresMs: number;
            /** @description Stable; not a secret. */
            id: string;
            /** @description What its owner calls it. */
            name: string;
            /** @description For whom it acts: a mail address. */
            owner: string;
            /** @description The slug of the one project it is for, if it is not for the whole team. */
            project?: string | null;
            /** @description How far it goes. */
            scope: components["schemas"]["Scope"];
            /** @description Where it works. */
            teamId: string;
            /** @description The team's name. */
            teamName: string;
            /** @description From where it was last used. */
            usedAddress?: string | null;
            /**
             * Format: int64
             * @description When it was last used, to the minute.
             */
            usedMs?: number | null;
        };
        /** @description Another plan, other overrides, or both. What is absent stays as it is. */
        Assignment: {
            overrides?: components["schemas"]["Overrides"] | null;
            /** @description The plan's name. */
            plan?: string | null;
        };
        /** @description Something that needs somebody */
        AttentionItem: {
            /** @description The job it is about. */
            jobId?: string | null;
            kind: components["schemas"]["AttentionKind"];
            project?: components["schemas"]["NamedProject"] | null;
            /**
             * Format: int64
             * @description Since when, in milliseconds since the epoch, if that is known.
             */
            sinceMs?: number | null;
            /** @description A sentence. */
            text: string;
            urgency: components["schemas"]["Urgency"];
        };
        /**
         * @description What needs attention
         * @enum {string}
         */
        AttentionKind: "diskFilling" | "purgesHeld" | "damaged" | "notStarting" | "backupFailed" | "backupUnproven" | "backupUnchecked" | "overQuota" | "certificateFailing" | "jobStuck" | "jobFailed" | "mailNotSent";
        AttentionList: {
            /** @description The most urgent first. */
            items: components["schemas"]["AttentionItem"][];
        };
        /** @description A line of the audit. */
        AuditLine: {
            /** @description From where. */
            address?: string | null;
            /**
             * Format: int64
             * @description When, in milliseconds since the epoch.
             */
            atMs: number;
            /** @description The account that did it; nobody's for what the platform did by itself. */
            by?: string | null;
            /** @description That account's mail address, while there is one. */
            email?: string | null;
            /** @description Stable. */
            id: string;
            /** @description A stable word such as `renamed`. */
            kind: string;
            /** @description The slug of the project it is about, while there is one. */
            project?: string | null;
            /** @description The name of the team it is about, while there is one. */
            team?: string | null;
            /** @description A sentence. */
            text: string;
            /** @description The name of the token, if a program did it. */
            via?: string | null;
        };
        /** @description A page of the audit. */
        AuditPage: {
            /** @description Newest first. */
            items: components["schemas"]["AuditLine"][];
            /** @description For `before`, if there are older ones. */
            next?: string | null;
        };
        /** @description A backup as the console shows it */
        Backup: {
            /**
             * Format: int64
             * @description The archive's size, once it is stored.
             */
            bytes?: number | null;
            /** @description Whether it may be removed: the last proven one stays. */
            canRemove: boolean;
            /**
             * Format: int64
             * @description When it last was.
             */
            checkedMs?: number | null;
            /** @description The collections and how many records each has. */
            collections: components["schemas"]["CollectionCount"][];
            /**
             * Format: int64
             * @description Milliseconds since the epoch, like the others.
             */
            createdMs: number;
            /**
             * Format: int64
             * @description Files of records.
             */
            files?: number | null;
            id: string;
            /** @description Why it was made. */
            origin: components["schemas"]["Origin"];
            /**
             * Format: int64
             * @description When it was first restored from where it is stored.
             */
            provenMs?: number | null;
            /** @description Why it is red. */
            reason?: string | null;
            /**
             * Format: int64
             * @description Records in all collections.
             */
            records?: number | null;
            /** @description Of the whole archive. */
            sha256?: string | null;
            /** @description Only `proven` is green. */
            state: components["schemas"]["State"];
        };
        BackupList: {
            items: components["schemas"]["Backup"][];
            /** @description What is under way. */
            jobs: components["schemas"]["Job"][];
            /** @description `directory` or `bucket`. */
            keptIn: string;
            /** @description Restores, newest first. */
            restores: components["schemas"]["Restore"][];
        };
        Beginning: {
            currentPassword?: string | null;
        };
        /** @description What is under way */
        Begun: {
            jobId: string;
            /** @description The project it is about. */
            slug: string;
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
        Code: {
            code: string;
        };
        CollectionCount: {
            name: string;
            /** Format: int64 */
            records: number;
        };
        /** @description A limit as it would stand */
        ConcernedLimit: components["schemas"]["LimitUse"] & {
            /** @description How it stands now. */
            now: components["schemas"]["LimitState"];
        };
        /** @description A project that would newly be near a limit or over one */
        ConcernedProject: {
            id: string;
            limits: components["schemas"]["ConcernedLimit"][];
            name: string;
            slug: string;
        };
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
            /** @description Ways to sign in beside the password. */
            signIn: components["schemas"]["OfferedProvider"][];
            signUp: components["schemas"]["SignUp"];
            /** Format: int64 */
            sleepAfterMs: number;
            unverified?: components["schemas"]["UnverifiedLimits"] | null;
        };
        Confirmation: {
            /** @description From the device, if a second factor is on. */
            code?: string | null;
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
        CreatedToken: {
            /** @description The token itself. It is shown this once. */
            secret: string;
            token: components["schemas"]["ApiToken"];
        };
        Credentials: {
            /** @description From the device, or a recovery code: asked for with `second_factor_required`. */
            code?: string | null;
            email: string;
            password: string;
        };
        /** @description How full the disk was on a day */
        DiskSample: {
            /**
             * Format: int64
             * @description The day's beginning, in milliseconds since the epoch.
             */
            dayMs: number;
            /** Format: int64 */
            freeBytes: number;
            /** Format: int64 */
            totalBytes: number;
        };
        /** @description The disk, and how long it will do */
        DiskView: {
            /** Format: int64 */
            freeBytes: number;
            /** Format: int64 */
            freeFiles: number;
            /**
             * Format: int64
             * @description At the pace of the last weeks; null when it does not fill, or too little is known.
             */
            fullInDays?: number | null;
            room: components["schemas"]["Room"];
            /** @description The last look of each day, oldest first. */
            samples: components["schemas"]["DiskSample"][];
            /**
             * Format: int64
             * @description With less than this free, no projects are created.
             */
            stopProjectsBelowBytes: number;
            /**
             * Format: int64
             * @description With less than this free, projects stop growing.
             */
            stopWritesBelowBytes: number;
            /** Format: int64 */
            totalBytes: number;
            /**
             * Format: int64
             * @description How many files it may hold; 0 where nothing but its bytes is a bound.
             */
            totalFiles: number;
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
        /** @description A certificate that ends soon */
        EndingCertificate: {
            /** @description What went wrong at the last try to renew it. */
            error?: string | null;
            /**
             * Format: int64
             * @description Milliseconds since the epoch.
             */
            expiresMs: number;
            name: string;
        };
        Erasure: {
            /** @description From the device, if a second factor is on. */
            code?: string | null;
            currentPassword?: string | null;
            /** @description Whether the projects of teams that have nobody else are deleted, too; without it they are in the way. */
            deleteProjects?: boolean;
        };
        /** @description The envelope, for the OpenAPI document. */
        Error: {
            /** @description `code` for the whole request, or one `{code, message}` for each field. */
            data: Record<string, unknown>;
            /** @description A sentence. */
            message: string;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
        };
        Export: {
            projects: components["schemas"]["ExportedProject"][];
            /**
             * Format: int64
             * @description Until when, in milliseconds since the epoch.
             */
            untilMs: number;
        };
        /** @description Which zip */
        ExportForm: {
            /** @description The project's id. */
            project: string;
            /** @description From the mail. */
            secret: string;
        };
        ExportSecret: {
            /** @description From the mail. */
            secret: string;
        };
        /** @description A project, and its newest proven backup once there is one */
        ExportedProject: {
            /** Format: int64 */
            bytes?: number | null;
            id: string;
            /** Format: int64 */
            madeMs?: number | null;
            name: string;
            slug: string;
        };
        Health: {
            /** Format: int32 */
            code: number;
            message: string;
        };
        /** @description A deleted project whose grace period is over */
        HeldPurge: {
            /**
             * Format: int64
             * @description When its grace period ended, in milliseconds since the epoch.
             */
            dueMs: number;
            project: components["schemas"]["NamedProject"];
        };
        /** @description An invitation nobody accepted yet. */
        Invitation: {
            /**
             * Format: int64
             * @description Milliseconds since the epoch, like the other.
             */
            createdMs: number;
            /** @description To whom it was sent. */
            email: string;
            /**
             * Format: int64
             * @description When it stops working.
             */
            expiresMs: number;
            /** @description Stable; not a secret. */
            id: string;
            /** @description Who invited them: a mail address, while there is such an account. */
            invitedBy?: string | null;
            /** @description What they will be. */
            role: components["schemas"]["Role"];
            /** @description The team's name. */
            team: string;
            /** @description The team's id. */
            teamId: string;
        };
        InvitationList: {
            items: components["schemas"]["Invitation"][];
        };
        InvitationSecret: {
            token: string;
        };
        /** @description A job as the console shows it. Its input may hold secrets and is not shown. */
        Job: {
            /**
             * Format: int64
             * @description How often it was tried.
             */
            attempt: number;
            /** @description Whether it may be cancelled now. */
            canCancel: boolean;
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
            /**
             * Format: int64
             * @description When it is tried next, while it is queued.
             */
            dueMs: number;
            /** @description Why the last try failed. */
            error?: string | null;
            /** @description Stable. */
            id: string;
            /** @description Such as `backup` or `restore`. */
            kind: string;
            /**
             * Format: int64
             * @description How much of it is done, of a hundred.
             */
            progress: number;
            /** @description The project it is about. */
            projectId: string;
            /** @description `queued`, `running`, `done`, `failed` or `cancelled`. */
            state: string;
            /** @description The step it is at. */
            step: string;
            /** @description All its steps in their order. */
            steps: components["schemas"]["JobStep"][];
            /**
             * Format: int64
             * @description Of the last change.
             */
            updatedMs: number;
        };
        /** @description How many jobs wait, run, and failed */
        JobCounts: {
            /**
             * Format: int64
             * @description In the last week.
             */
            failed: number;
            /** Format: int64 */
            running: number;
            /**
             * Format: int64
             * @description Due now.
             */
            waiting: number;
        };
        /** @description A line of a job's log. */
        JobLine: {
            /**
             * Format: int64
             * @description Milliseconds since the epoch.
             */
            atMs: number;
            /** @description A sentence. */
            text: string;
        };
        JobList: {
            items: components["schemas"]["Job"][];
        };
        /** @description A step of a job and what became of it. */
        JobStep: {
            /** @description A stable word. */
            name: string;
            /** @description `waiting`, `running` or `done`. */
            state: string;
        };
        /** @description A job with its log */
        JobWithLog: components["schemas"]["Job"] & {
            lines: components["schemas"]["JobLine"][];
        };
        /**
         * @description What there are limits for.
         * @enum {string}
         */
        Limit: "database" | "storage" | "egress" | "requests" | "realtime" | "mails" | "awake";
        /**
         * @description How it stands with a limit.
         * @enum {string}
         */
        LimitState: "ok" | "near" | "over";
        /** @description A limit, and how much of it is used */
        LimitUse: {
            /**
             * Format: int64
             * @description How much it will be when the month ends if it goes on like this; null when too little is known.
             */
            forecast?: number | null;
            /** @description Which. */
            limit: components["schemas"]["Limit"];
            /**
             * Format: int64
             * @description How much may be; 0 is no limit.
             */
            max: number;
            /** @description When counting begins anew. */
            period: components["schemas"]["Period"];
            /** @description How it stands. */
            state: components["schemas"]["LimitState"];
            /** @description What both are counted in. */
            unit: components["schemas"]["Unit"];
            /**
             * Format: int64
             * @description How much is used.
             */
            used: number;
        };
        /** @description How busy the processors are */
        Load: {
            /** Format: int64 */
            cores: number;
            /**
             * Format: double
             * @description The same over the last fifteen minutes.
             */
            fifteen: number;
            /**
             * Format: double
             * @description The same over the last five minutes.
             */
            five: number;
            /**
             * Format: double
             * @description Programs that ran or wanted to, on average over the last minute.
             */
            one: number;
        };
        /** @description Somebody in a team. */
        Member: {
            /** @description Their mail address. */
            email: string;
            /** @description The account's id. */
            id: string;
            /** @description What they want to be called; may be empty. */
            name: string;
            /** @description What they are here. */
            role: components["schemas"]["Role"];
            /** @description Whether a second factor guards their account. */
            secondFactor: boolean;
        };
        /** @description Memory of the machine, and what of it this process has */
        Memory: {
            /**
             * Format: int64
             * @description What programs can still get.
             */
            availableBytes: number;
            /**
             * Format: int64
             * @description What this process has.
             */
            residentBytes: number;
            /** Format: int64 */
            totalBytes: number;
        };
        /** @description A plan in force */
        NamedPlan: components["schemas"]["Plan"] & {
            name: string;
            origin: components["schemas"]["PlanOrigin"];
            settings?: components["schemas"]["Plan"] | null;
        };
        /** @description A project, as far as it has to be named */
        NamedProject: {
            id: string;
            name: string;
            slug: string;
        };
        NewAccount: {
            email: string;
            /** @description The secret of an invitation to a team, which also opens the door where sign-up is by invitation. */
            invitation?: string | null;
            name?: string;
            password: string;
        };
        NewAddress: {
            /** @description From the device, if a second factor is on. */
            code?: string | null;
            currentPassword?: string | null;
            email: string;
        };
        NewDomain: {
            name: string;
        };
        NewGrant: {
            /**
             * Format: int32
             * @description 1 to 168.
             */
            hours: number;
        };
        NewInvitation: {
            email: string;
            role: components["schemas"]["Role"];
        };
        NewPassword: {
            password: string;
            token: string;
        };
        NewProject: {
            name: string;
            slug?: string | null;
            superuser?: components["schemas"]["SuperuserCredentials"] | null;
            /** @description The id of the team it will belong to; without one the account's own. */
            team?: string | null;
        };
        NewRole: {
            role: components["schemas"]["Role"];
        };
        NewToken: {
            /**
             * Format: int32
             * @description From 1 to 366.
             */
            expiresDays: number;
            name: string;
            /** @description The slug of the one project it is for. */
            project?: string | null;
            scope: components["schemas"]["Scope"];
            team: string;
        };
        /** @description This machine and what runs on it */
        NodeView: {
            /** @description Those that end soon. */
            certificates: components["schemas"]["EndingCertificate"][];
            disk: components["schemas"]["DiskView"];
            files: components["schemas"]["OpenFiles"];
            jobs: components["schemas"]["JobCounts"];
            load: components["schemas"]["Load"];
            memory: components["schemas"]["Memory"];
            projects: components["schemas"]["ProjectCounts"];
            /**
             * Format: int64
             * @description When this process began, in milliseconds since the epoch.
             */
            startedMs: number;
            version: string;
            wake: components["schemas"]["Wakes"];
        };
        /** @description A provider as the console offers it. */
        OfferedProvider: {
            /** @description What people call it. */
            label: string;
            /** @description Stable: `github` or `oidc`. */
            name: string;
        };
        /** @description Files and connections this process has open */
        OpenFiles: {
            /**
             * Format: int64
             * @description How many it may have.
             */
            limit: number;
            /** Format: int64 */
            open: number;
        };
        /** @description A job, and for which project it is */
        OperatorJob: components["schemas"]["Job"] & {
            /** @description Whether it failed and can be tried again. */
            canRetry: boolean;
            project?: components["schemas"]["NamedProject"] | null;
        };
        OperatorJobPage: {
            /** @description The latest change first. */
            items: components["schemas"]["OperatorJob"][];
            /** @description For `before`, if there are older ones. */
            next?: string | null;
        };
        /** @description A job, for which project it is, and its log */
        OperatorJobWithLog: components["schemas"]["OperatorJob"] & {
            lines: components["schemas"]["JobLine"][];
        };
        /**
         * @description Why a backup was made.
         * @enum {string}
         */
        Origin: "schedule" | "hand" | "restore" | "delete" | "import";
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
        /** @description What an operator set for one project, instead of its plan's figures. */
        Overrides: {
            /** Format: int64 */
            awakeHours?: number | null;
            /** Format: int32 */
            backupsKept?: number | null;
            /** Format: int64 */
            databaseMb?: number | null;
            /** Format: int64 */
            egressGb?: number | null;
            /** Format: int32 */
            mailsPerDay?: number | null;
            /** Format: int32 */
            realtimeConnections?: number | null;
            /** Format: int64 */
            requests?: number | null;
            /** Format: int32 */
            requestsPerSecond?: number | null;
            /** Format: int64 */
            storageMb?: number | null;
            /** Format: int64 */
            uploadMb?: number | null;
        };
        /**
         * @description When counting begins anew; what is `now` stands.
         * @enum {string}
         */
        Period: "now" | "day" | "month";
        /** @description What a plan grants; 0 is no limit. */
        Plan: {
            /** Format: int64 */
            awakeHours: number;
            /** Format: int32 */
            backupsKept: number;
            /** Format: int64 */
            databaseMb: number;
            /** Format: int64 */
            egressGb: number;
            /** Format: int32 */
            mailsPerDay: number;
            /** Format: int32 */
            realtimeConnections: number;
            /** Format: int64 */
            requests: number;
            /** Format: int32 */
            requestsPerSecond: number;
            /** Format: int64 */
            storageMb: number;
            title: string;
            /** Format: int64 */
            uploadMb: number;
        };
        /** @description A plan as an operator writes it: with every figure, of which 0 is no limit */
        PlanDraft: components["schemas"]["Overrides"] & {
            /** @description What people read. */
            title: string;
        };
        PlanList: {
            /** @description The name of the one new projects get. */
            default: string;
            items: components["schemas"]["NamedPlan"][];
        };
        /**
         * @description Whose word a plan is
         * @enum {string}
         */
        PlanOrigin: "settings" | "changed" | "console";
        /** @description What a plan would mean for the projects that have it */
        PlanPreview: {
            /**
             * Format: int64
             * @description How many of them would newly be near a limit or over one.
             */
            concerned: number;
            /** @description The first of those that are concerned, with what would be over before what would be near. */
            items: components["schemas"]["ConcernedProject"][];
            /**
             * Format: int64
             * @description How many of those would be over.
             */
            over: number;
            /**
             * Format: int64
             * @description How many projects have the plan.
             */
            projects: number;
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
            /** @description How much it uses of what its plan grants. */
            limits: components["schemas"]["LimitUse"][];
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
            /** @description The id of the team it belongs to. */
            teamId: string;
        };
        ProjectChange: {
            name?: string | null;
            slug?: string | null;
        };
        /** @description How many projects do what */
        ProjectCounts: {
            /** Format: int64 */
            asleep: number;
            /** Format: int64 */
            awake: number;
            /** Format: int64 */
            damaged: number;
            /**
             * Format: int64
             * @description In their grace period.
             */
            deleted: number;
            /** Format: int64 */
            notStarting: number;
            /**
             * Format: int64
             * @description All that are not deleted.
             */
            registered: number;
            /** Format: int64 */
            suspended: number;
        };
        ProjectList: {
            items: components["schemas"]["Project"][];
            /**
             * Format: int64
             * @description How many one team may have.
             */
            limit: number;
            /** @description The id of the team in which the account creates projects unless it names another; absent if it owns none. */
            team?: string | null;
        };
        /** @description A line of a project's log */
        ProjectLogEntry: {
            /**
             * Format: int64
             * @description When, in milliseconds since the epoch.
             */
            atMs: number;
            /** @description Such as `method`, `url`, `status`, `execTime`, `error`. */
            data: Record<string, unknown>;
            /** @description The entry's id in the project's own API. */
            id: string;
            /**
             * Format: int64
             * @description -4 debug, 0 info, 4 warning, 8 error.
             */
            level: number;
            message: string;
            /**
             * Format: int64
             * @description Grows with every entry.
             */
            position: number;
        };
        ProjectLogPage: {
            /** @description Newest first. */
            items: components["schemas"]["ProjectLogEntry"][];
            /**
             * Format: int64
             * @description For `before`, if there are older ones.
             */
            next?: number | null;
        };
        /**
         * @description What a project is doing.
         * @enum {string}
         */
        ProjectState: "creating" | "awake" | "asleep" | "waking" | "suspended" | "notStarting" | "damaged" | "deleted";
        Proposal: {
            /** @description For devices that open links. */
            link: string;
            /** @description The link as a picture: an SVG document. */
            qr: string;
            /** @description For typing into a device. */
            secret: string;
        };
        PurgeConfirmation: {
            /** @description How many are held: typed by hand, so that nobody confirms what they have not seen. */
            projects: number;
        };
        PurgeList: {
            /** @description Empty unless they are more than go by themselves. */
            held: components["schemas"]["HeldPurge"][];
            /**
             * Format: int64
             * @description How many go within a day without an operator's word.
             */
            most: number;
        };
        /**
         * @description A record's type.
         * @enum {string}
         */
        RecordKind: "A" | "AAAA" | "CNAME" | "TXT";
        RecoveryCodes: {
            /** @description Each signs in once. They are shown this once. */
            codes: string[];
        };
        /** @description A restore that was done. */
        Restore: {
            /**
             * Format: int64
             * @description Milliseconds since the epoch, like the others.
             */
            atMs: number;
            /** @description What was restored. */
            backupId: string;
            /** @description Stable. */
            id: string;
            /**
             * Format: int64
             * @description Until when it can be undone; absent when it cannot.
             */
            undoUntilMs?: number | null;
            /**
             * Format: int64
             * @description When it was undone.
             */
            undoneMs?: number | null;
        };
        /** @description A project that a backup is restored into */
        RestoredProject: {
            name: string;
            slug?: string | null;
            /** @description The id of the team it will belong to; without one that of the backup's project. */
            team?: string | null;
        };
        /**
         * @description What a member of a team is.
         * @enum {string}
         */
        Role: "viewer" | "developer" | "admin" | "owner";
        /**
         * @description What the disk still allows
         * @enum {string}
         */
        Room: "ample" | "noProjects" | "noGrowth";
        /** @description When a project is backed up and how much of that is kept. */
        Schedule: {
            /** @description Five fields, such as `0 3 * * *`; empty: never. */
            cron: string;
            /**
             * Format: int64
             * @description The newest of so many days.
             */
            keepDaily: number;
            /**
             * Format: int64
             * @description So many of the latest.
             */
            keepLast: number;
            /**
             * Format: int64
             * @description The newest of so many months.
             */
            keepMonthly: number;
            /**
             * Format: int64
             * @description The newest of so many weeks.
             */
            keepWeekly: number;
            /** @description An IANA name, such as `Europe/Berlin`. */
            zone: string;
        };
        /**
         * @description What a token may do at most of what its account may.
         * @enum {string}
         */
        Scope: "read" | "write" | "admin";
        SecondFactor: {
            on: boolean;
            /** Format: int64 */
            recoveryCodesLeft: number;
        };
        SessionList: {
            items: components["schemas"]["ShownSession"][];
        };
        ShownSchedule: components["schemas"]["Schedule"] & {
            /** @description In milliseconds since the epoch. */
            nextRunsMs: number[];
        };
        /** @description A session as its owner sees it. */
        ShownSession: {
            /** @description Where it was last seen. */
            address: string;
            /**
             * Format: int64
             * @description Milliseconds since the epoch, like the others.
             */
            createdMs: number;
            /** @description Whether it is the one that asks. */
            current: boolean;
            /** @description Such as `Firefox on Linux`. */
            device: string;
            /**
             * Format: int64
             * @description When it ends if it is not used.
             */
            expiresMs: number;
            /** @description Stable; not a secret. */
            id: string;
            /**
             * Format: int64
             * @description To the minute.
             */
            seenMs: number;
        };
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
        /**
         * @description What is known of a backup.
         * @enum {string}
         */
        State: "making" | "proven" | "failed";
        SuperuserCredentials: {
            email: string;
            password: string;
        };
        SupportAccess: {
            grant?: components["schemas"]["SupportGrant"] | null;
        };
        /** @description That operators may see what is in a project */
        SupportGrant: {
            /** @description The mail address of who gave it, while there is one. */
            givenBy?: string | null;
            /**
             * Format: int64
             * @description When, in milliseconds since the epoch.
             */
            givenMs: number;
            /**
             * Format: int64
             * @description Until when.
             */
            untilMs: number;
        };
        Suspension: {
            /** @description Whether the owners get a mail. */
            notice?: boolean;
            /** @description What visitors and owners read. */
            reason: string;
        };
        /** @description A team as one of its members sees it. */
        Team: {
            /**
             * Format: int64
             * @description Milliseconds since the epoch.
             */
            createdMs: number;
            /** @description Stable. */
            id: string;
            /**
             * Format: int64
             * @description How many people it has.
             */
            members: number;
            /** @description What people call it. */
            name: string;
            /**
             * Format: int64
             * @description How many projects it has, deleted ones in their grace period included.
             */
            projects: number;
            /** @description What the account is in it. */
            role: components["schemas"]["Role"];
        };
        TeamList: {
            items: components["schemas"]["Team"][];
        };
        TeamName: {
            name: string;
        };
        TeamWithPeople: {
            members: components["schemas"]["Member"][];
            team: components["schemas"]["Team"];
        };
        /** @description A project as an operator sees it */
        Tenant: {
            /** Format: int64 */
            createdMs: number;
            /** Format: int64 */
            databaseBytes: number;
            /**
             * Format: int64
             * @description Until when a deleted project can be brought back.
             */
            deletedUntilMs?: number | null;
            endpoint: string;
            id: string;
            /** Format: int64 */
            lastRequestMs?: number | null;
            name: string;
            /** @description The mail addresses of the team's owners. */
            owners: string[];
            /** @description The name of its plan. */
            plan: string;
            /**
             * Format: int64
             * @description Event streams that are open.
             */
            realtimeConnections: number;
            /** @description Why it is suspended, not starting or damaged. */
            reason?: string | null;
            /** Format: int64 */
            requests: number;
            /**
             * Format: double
             * @description Over the last half to whole minute, those refused apart.
             */
            requestsPerSecond: number;
            slug: string;
            state: components["schemas"]["ProjectState"];
            /**
             * Format: int64
             * @description Since when, in milliseconds since the epoch like the others.
             */
            stateSinceMs: number;
            /** Format: int64 */
            storageBytes: number;
            /**
             * Format: int64
             * @description Until when its people let operators in.
             */
            supportUntilMs?: number | null;
            teamId: string;
            teamName: string;
        };
        /** @description A project with its people and its work */
        TenantDetails: {
            /** @description Newest first. */
            jobs: components["schemas"]["Job"][];
            /**
             * Format: int64
             * @description When its newest proven backup was made.
             */
            lastBackupMs?: number | null;
            /** @description What it may use: its plan's figures, with its own in their place; 0 is no limit. */
            limits: components["schemas"]["Plan"];
            members: components["schemas"]["Member"][];
            /** @description Its own figures. */
            overrides: components["schemas"]["Overrides"];
            support?: components["schemas"]["SupportGrant"] | null;
            tenant: components["schemas"]["Tenant"];
            /** @description What it uses of that. */
            usage: components["schemas"]["LimitUse"][];
        };
        TenantPage: {
            items: components["schemas"]["Tenant"][];
            /** Format: int64 */
            page: number;
            /** Format: int64 */
            perPage: number;
            /**
             * Format: int64
             * @description How many there are on all pages.
             */
            total: number;
        };
        Ticket: {
            /** @description From the device, or a recovery code. */
            code: string;
            /** @description From the fragment of the sign-in page. */
            token: string;
        };
        Token: {
            token: string;
        };
        TokenList: {
            items: components["schemas"]["ApiToken"][];
        };
        Transfer: {
            /** @description From the device, if a second factor is on. */
            code?: string | null;
            /** @description The id of the team it will belong to. */
            team: string;
        };
        /**
         * @description What something is counted in.
         * @enum {string}
         */
        Unit: "bytes" | "count" | "ms";
        /** @description What is limited until a mail address is proven; 0 is no limit of its own */
        UnverifiedLimits: {
            /** Format: int64 */
            databaseMb: number;
            /** @description Whether they may have domains of their own. */
            domains: boolean;
            /** Format: int64 */
            egressGb: number;
            /** @description Whether projects may send mails to others than their owners. */
            mails: boolean;
            /** Format: int64 */
            projects: number;
            /** Format: int64 */
            storageMb: number;
            /** @description Whether people may be invited, and further teams made. */
            teams: boolean;
        };
        /**
         * @description How soon
         * @enum {string}
         */
        Urgency: "now" | "soon";
        /** @description What a project uses */
        Usage: {
            /** @description Those in which something was counted, oldest first. */
            hours: components["schemas"]["UsageHour"][];
            limits: components["schemas"]["LimitUse"][];
            plan: components["schemas"]["UsedPlan"];
            /**
             * Format: int64
             * @description When what counts by the month begins anew, in milliseconds since the epoch.
             */
            resets: number;
        };
        /** @description An hour of a project */
        UsageHour: {
            /** Format: int64 */
            awakeMs: number;
            /**
             * Format: int64
             * @description Bytes of databases on disk at its end.
             */
            databaseBytes: number;
            /**
             * Format: int64
             * @description Bytes of answers.
             */
            egress: number;
            /**
             * Format: int64
             * @description Its first millisecond.
             */
            hour: number;
            /** Format: int64 */
            mails: number;
            /** Format: int64 */
            requests: number;
            /**
             * Format: int64
             * @description Bytes of files at its end.
             */
            storageBytes: number;
        };
        UsedPlan: {
            name: string;
            title: string;
        };
        /** @description How long projects took to wake in the last 24 hours */
        Wakes: {
            /**
             * Format: int64
             * @description How often one woke.
             */
            count: number;
            /**
             * Format: double
             * @description Half of them took at most so many milliseconds; null if none woke.
             */
            p50Ms?: number | null;
            /**
             * Format: double
             * @description 95 of 100 took at most so many.
             */
            p95Ms?: number | null;
        };
        Wanted: {
            into?: components["schemas"]["RestoredProject"] | null;
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
