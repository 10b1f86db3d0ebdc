//! Who may speak on a link: a certificate of the group's own authority, and in it the one name that the peer is to have.
//! Sockets never live here.
//!
//! Both sides show a certificate (mutual TLS 1.3). Whoever has none learns nothing but that this is TLS: a hello is said
//! under its protection alone. The authority is one's own, made for the sites of one group or of a few; a name tells them
//! apart, so that a site of another group is a stranger too.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::{Resumption, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{
    NoServerSessionStorage, ParsedCertificate, VerifierBuilderError, WebPkiClientVerifier,
};
use rustls::version::TLS13;
use rustls::{
    ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection,
};

use super::LinkError;

/// What both sides say they will speak under TLS, so that a certificate for something else is of no use here.
const PROTOCOL: &[u8] = b"syncsplit";

/// How a link's connections are protected.
#[derive(Clone, Debug)]
pub enum Security {
    /// Not at all: whoever reaches the port is believed. For connections inside of one machine that nobody else uses.
    Plain,
    /// By mutual TLS.
    Tls(Arc<Identity>),
}

/// The files of a side's identity, each in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The certificates of the authorities that may vouch for the peer: at least one.
    pub authority: PathBuf,
    /// This side's certificate, with those between it and the authority.
    pub certificate: PathBuf,
    /// The private key of this side's certificate. Others than the owner and the group must not read it.
    pub key: PathBuf,
}

/// Why an identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read, or is not PEM.
    #[error("cannot read {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// A file has no certificate.
    #[error("{path} has no certificate; one in PEM is needed", path = path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// Everybody can read the private key.
    #[error("every user can read {path} (mode {mode:03o}); a private key needs mode 600 or 640", path = path.display())]
    OpenKey {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The peer's name is no DNS name and no address.
    #[error("{name:?} is no name that a certificate can have; valid is a DNS name or an address")]
    PeerName {
        /// The name.
        name: String,
    },
    /// A certificate or a key is not one, they do not belong together, or the authority is none.
    #[error("{path}: {source}", path = path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The authority cannot vouch for a client.
    #[error("{path}: {source}", path = path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: VerifierBuilderError,
    },
}

/// Who this side is, and who its peer has to be. Shared by the links of a site.
pub struct Identity {
    files: IdentityFiles,
    peer: ServerName<'static>,
    /// What the next connection is made with. Invariant: both are of one reading of the files.
    settings: RwLock<Settings>,
}

#[derive(Clone)]
struct Settings {
    calling: Arc<ClientConfig>,
    called: Arc<ServerConfig>,
}

impl Identity {
    /// Reads `files`. The peer's certificate has to be for the name `peer`: a DNS name or an address.
    ///
    /// # Errors
    /// A file cannot be read, is not what it should be, or does not belong to the others; the key is open to every user;
    /// or `peer` is no name.
    pub fn load(files: IdentityFiles, peer: &str) -> Result<Self, IdentityError> {
        let name = ServerName::try_from(peer.to_owned());
        let name = name.map_err(|_| IdentityError::PeerName { name: peer.to_owned() })?;
        let settings = RwLock::new(Settings::read(&files)?);
        Ok(Self { files, peer: name, settings })
    }

    /// Reads the files again, for every connection from now on. Connections that there are go on.
    ///
    /// # Errors
    /// As of [`Identity::load`]; the identity is then as it was.
    pub fn reload(&self) -> Result<(), IdentityError> {
        let read = Settings::read(&self.files)?;
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    fn settings(&self) -> Settings {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The calling side of a connection that has not begun.
    pub(super) fn calling(&self) -> Result<Connection, LinkError> {
        let client = ClientConnection::new(self.settings().calling, self.peer.clone());
        client.map(Connection::Client).map_err(refused)
    }

    /// The called side of a connection that has not begun.
    pub(super) fn called(&self) -> Result<Connection, LinkError> {
        ServerConnection::new(self.settings().called).map(Connection::Server).map_err(refused)
    }

    /// Checks that the peer of a connection whose handshake is done has the name that it is to have. Its authority was
    /// checked by the handshake.
    pub(super) fn check_peer(&self, connection: &Connection) -> Result<(), LinkError> {
        let shown = connection.peer_certificates().and_then(<[_]>::first);
        let shown = shown.ok_or(rustls::Error::NoCertificatesPresented);
        let parsed = shown.and_then(ParsedCertificate::try_from);
        let checked = parsed.and_then(|parsed| verify_server_name(&parsed, &self.peer));
        checked.map_err(refused)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("files", &self.files).field("peer", &self.peer).finish()
    }
}

impl Settings {
    fn read(files: &IdentityFiles) -> Result<Self, IdentityError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = Arc::new(authorities(&files.authority)?);
        let chain = certificates(&files.certificate)?;
        let key = private_key(&files.key)?;
        let calling = calling(&provider, &roots, (chain.clone(), key.clone_key()));
        let unusable = |source| IdentityError::Unusable { path: files.certificate.clone(), source };
        let calling = Arc::new(calling.map_err(unusable)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
        let verifier = verifier
            .build()
            .map_err(|source| IdentityError::Authority { path: files.authority.clone(), source })?;
        let called = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .and_then(|called| {
                called.with_client_cert_verifier(verifier).with_single_cert(chain, key)
            });
        let mut called = called.map_err(unusable)?;
        called.alpn_protocols = vec![PROTOCOL.to_vec()];
        // A session that is taken up again would go past a reload.
        called.send_tls13_tickets = 0;
        called.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { calling, called: Arc::new(called) })
    }
}

/// A chain of certificates, with the key of its first.
type Shown = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn calling(
    provider: &Arc<CryptoProvider>,
    roots: &Arc<RootCertStore>,
    (chain, key): Shown,
) -> Result<ClientConfig, rustls::Error> {
    let mut calling = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(Arc::clone(roots))
        .with_client_auth_cert(chain, key)?;
    calling.alpn_protocols = vec![PROTOCOL.to_vec()];
    calling.resumption = Resumption::disabled();
    Ok(calling)
}

fn authorities(path: &Path) -> Result<RootCertStore, IdentityError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        let added = roots.add(certificate);
        added.map_err(|source| IdentityError::Unusable { path: path.to_owned(), source })?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let bad = |source| IdentityError::File { path: path.to_owned(), source };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let read: Vec<_> = read.map_err(bad)?;
    if read.is_empty() {
        return Err(IdentityError::NoCertificate { path: path.to_owned() });
    }
    Ok(read)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, IdentityError> {
    let bad = |source| IdentityError::File { path: path.to_owned(), source };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = std::fs::metadata(path).map_err(|error| bad(pem::Error::Io(error)))?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o007 != 0 {
            return Err(IdentityError::OpenKey { path: path.to_owned(), mode });
        }
    }
    PrivateKeyDer::from_pem_file(path).map_err(bad)
}

/// The peer, or what this side has to show it, is not what it should be.
pub(super) fn refused(source: rustls::Error) -> LinkError {
    LinkError::Handshake { source: io::Error::new(io::ErrorKind::InvalidData, source) }
}
