package dev.gantry.images.registry;

import dev.gantry.images.http.Endpoint;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Authorities and client certificates for single registries, as docker and containerd keep them: a directory
 * {@code host[:port]} with {@code *.crt}, and pairs of {@code x.cert} and {@code x.key}. The authorities of the machine stay
 * trusted too. Read anew for each pull.
 *
 * @see <a href="https://docs.docker.com/engine/security/certificates/">the convention</a>
 */
final class HostCertificates {
    private final List<Path> directories;

    HostCertificates(List<Path> directories) {
        this.directories = directories;
    }

    /** The directory for this host, if one has certificates. */
    Optional<Path> directory(Endpoint endpoint) throws IOException {
        for (Path parent : directories) {
            List<String> names = new ArrayList<>();
            String underscored = endpoint.host() + "_" + endpoint.port() + "_";
            names.add(underscored);
            names.add(endpoint.hostAndPort());
            if (endpoint.port() == (endpoint.tls() ? 443 : 80) || endpoint.port() == 443) {
                names.add(endpoint.host());
            }
            for (String name : names) {
                Path directory = parent.resolve(name);
                if (Files.isDirectory(directory)
                        && !(files(directory, ".crt").isEmpty()
                                && files(directory, ".cert").isEmpty())) {
                    return Optional.of(directory);
                }
            }
        }
        return Optional.empty();
    }

    private static List<Path> files(Path directory, String suffix) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(path -> path.toString().endsWith(suffix))
                    .sorted()
                    .toList();
        }
    }

    SSLContext context(Endpoint endpoint) throws IOException {
        Optional<Path> directory = directory(endpoint);
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            if (directory.isEmpty()) {
                context.init(null, null, null);
            } else {
                context.init(keys(directory.get()), trust(directory.get()), null);
            }
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException(
                    "certificates for " + endpoint.authority()
                            + directory.map(d -> " in " + d).orElse("") + ": " + e.getMessage(),
                    e);
        }
    }

    private static TrustManager[] trust(Path directory) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        int n = 0;
        for (Path file : files(directory, ".crt")) {
            for (Certificate certificate : certificates(file)) {
                store.setCertificateEntry("ca" + n++, certificate);
            }
        }
        return n == 0
                ? new TrustManager[] {manager(null)}
                : new TrustManager[] {new Either(manager(store), manager(null))};
    }

    private static Collection<? extends Certificate> certificates(Path file) throws IOException, CertificateException {
        try {
            return CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(file)));
        } catch (CertificateException e) {
            throw new CertificateException(file + " is no certificate in PEM or DER: " + e.getMessage(), e);
        }
    }

    /** The machine's authorities for null. */
    private static X509ExtendedTrustManager manager(@Nullable KeyStore store) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        for (TrustManager manager : factory.getTrustManagers()) {
            if (manager instanceof X509ExtendedTrustManager extended) {
                return extended;
            }
        }
        throw new GeneralSecurityException("this JVM has no trust manager for X.509");
    }

    private static KeyManager @Nullable [] keys(Path directory) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        char[] password = {};
        int n = 0;
        for (Path file : files(directory, ".cert")) {
            String name = file.toString();
            Path key = Path.of(name.substring(0, name.length() - ".cert".length()) + ".key");
            Certificate[] chain = certificates(file).toArray(new Certificate[0]);
            store.setKeyEntry("client" + n++, privateKey(key), password, chain);
        }
        if (n == 0) {
            return null;
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, password);
        return factory.getKeyManagers();
    }

    private static PrivateKey privateKey(Path file) throws IOException, GeneralSecurityException {
        String pem = Files.readString(file, StandardCharsets.US_ASCII);
        String begin = "-----BEGIN PRIVATE KEY-----";
        int start = pem.indexOf(begin);
        int end = pem.indexOf("-----END PRIVATE KEY-----");
        if (start < 0 || end < start) {
            throw new InvalidKeySpecException(
                    file + " is no unencrypted PKCS #8 key; convert it: openssl pkcs8 -topk8 -nodes");
        }
        byte[] encoded = Base64.getMimeDecoder().decode(pem.substring(start + begin.length(), end));
        GeneralSecurityException last = new InvalidKeySpecException("unknown kind of key");
        for (String algorithm : List.of("RSA", "EC", "EdDSA")) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(encoded));
            } catch (GeneralSecurityException e) {
                last = e;
            }
        }
        throw new InvalidKeySpecException(file + " is no key that this JVM knows", last);
    }

    /** Trusts what one of the two trusts. */
    private static final class Either extends X509ExtendedTrustManager {
        private final X509ExtendedTrustManager first;
        private final X509ExtendedTrustManager second;

        Either(X509ExtendedTrustManager first, X509ExtendedTrustManager second) {
            this.first = first;
            this.second = second;
        }

        private interface Check {
            void run(X509ExtendedTrustManager manager) throws CertificateException;
        }

        private void either(Check check) throws CertificateException {
            try {
                check.run(first);
            } catch (CertificateException e) {
                try {
                    check.run(second);
                } catch (CertificateException other) {
                    e.addSuppressed(other);
                    throw e;
                }
            }
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
                throws CertificateException {
            either(manager -> manager.checkServerTrusted(chain, type, socket));
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
                throws CertificateException {
            either(manager -> manager.checkServerTrusted(chain, type, engine));
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
            either(manager -> manager.checkServerTrusted(chain, type));
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
                throws CertificateException {
            throw new CertificateException("no clients here");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
                throws CertificateException {
            throw new CertificateException("no clients here");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
            throw new CertificateException("no clients here");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return Stream.of(first.getAcceptedIssuers(), second.getAcceptedIssuers())
                    .flatMap(Stream::of)
                    .toArray(X509Certificate[]::new);
        }
    }
}
