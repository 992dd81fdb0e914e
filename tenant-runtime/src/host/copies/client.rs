//! The other end of the calls about copies.

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use http::Method;

use super::super::client::{NodeClient, NodeError, json};
use super::super::directory::DataName;
use super::super::spec::TenantId;
use super::{ArchiveReport, Choice, CopyName, DataReport, RestoreReport};
use crate::service::BoxError;

impl NodeClient {
    /// Makes an archive of a tenant's data without waking it. Asking again under the same name makes no other.
    pub async fn make_archive(&self, id: &TenantId, name: &CopyName) -> Result<ArchiveReport, NodeError> {
        self.ask(Method::PUT, &format!("/v1/tenants/{id}/archives/{name}"), Body::empty()).await
    }

    /// The bytes of an archive that was made.
    pub async fn fetch_archive(
        &self,
        id: &TenantId,
        name: &CopyName,
    ) -> Result<impl Stream<Item = Result<Bytes, BoxError>> + Send + use<>, NodeError> {
        let answer = self.send(Method::GET, &format!("/v1/tenants/{id}/archives/{name}"), Body::empty()).await?;
        Ok(answer.into_body().into_data_stream().map_err(BoxError::from))
    }

    /// Removes an archive. Whether it was there does not matter.
    pub async fn remove_archive(&self, id: &TenantId, name: &CopyName) -> Result<(), NodeError> {
        self.send(Method::DELETE, &format!("/v1/tenants/{id}/archives/{name}"), Body::empty()).await?;
        Ok(())
    }

    /// Restores an archive aside, which proves it. The tenant's data stays as it is.
    pub async fn prepare_restore(
        &self,
        id: &TenantId,
        name: &CopyName,
        archive: impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
    ) -> Result<RestoreReport, NodeError> {
        self.ask(Method::PUT, &format!("/v1/tenants/{id}/restores/{name}"), Body::from_stream(archive)).await
    }

    /// Removes what was restored aside. Whether it was there does not matter.
    pub async fn discard_restore(&self, id: &TenantId, name: &CopyName) -> Result<(), NodeError> {
        self.send(Method::DELETE, &format!("/v1/tenants/{id}/restores/{name}"), Body::empty()).await?;
        Ok(())
    }

    /// Puts what was restored aside in the place of the data.
    pub async fn switch(&self, id: &TenantId, name: &CopyName) -> Result<DataReport, NodeError> {
        self.ask(Method::POST, &format!("/v1/tenants/{id}/restores/{name}/switch"), Body::empty()).await
    }

    /// Goes back to the data before a restore, or forth again.
    pub async fn choose_data(&self, id: &TenantId, data: &str) -> Result<DataReport, NodeError> {
        let data = DataName::try_from(data.to_owned()).map_err(|error| NodeError::Unreachable(error.into()))?;
        self.ask(Method::PUT, &format!("/v1/tenants/{id}/data"), json(&Choice { data })?).await
    }

    /// Removes data from before a restore. Whether it was there does not matter.
    pub async fn forget_data(&self, id: &TenantId, data: &str) -> Result<DataReport, NodeError> {
        self.ask(Method::DELETE, &format!("/v1/tenants/{id}/data/{data}"), Body::empty()).await
    }
}
