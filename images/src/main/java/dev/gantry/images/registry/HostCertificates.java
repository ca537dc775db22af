package dev.gantry.images.registry;

import dev.gantry.images.http.Endpoint;
import dev.gantry.images.registry.RegistryHost.Client;
import dev.gantry.images.registry.RegistryHost.Trust;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
    private static final Pattern CERTIFICATE =
            Pattern.compile("-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----");

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

    /**
     * How to trust a host and what to show it.
     *
     * @param more beside its directory's files: authorities for any host on the way of a pull, such as a token service; the rest if
     *     {@code itself}
     * @param itself whether {@code more} was said of this host
     */
    SSLContext context(Endpoint endpoint, Trust more, boolean itself) throws IOException {
        Optional<Path> directory = directory(endpoint);
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            List<Path> authorities = new ArrayList<>(more.authorities());
            List<Client> clients = new ArrayList<>(itself ? more.clients() : List.of());
            if (directory.isPresent()) {
                authorities.addAll(files(directory.get(), ".crt"));
                for (Path file : files(directory.get(), ".cert")) {
                    String name = file.toString();
                    clients.add(new Client(
                            file, Path.of(name.substring(0, name.length() - ".cert".length()) + ".key")));
                }
            }
            TrustManager[] trust =
                    itself && more.skipVerify() ? new TrustManager[] {new Anybody()} : trust(authorities);
            context.init(keys(clients), trust, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException(
                    "certificates for " + endpoint.authority()
                            + directory.map(d -> " in " + d).orElse("") + ": " + e.getMessage(),
                    e);
        }
    }

    private static TrustManager @Nullable [] trust(List<Path> authorities)
            throws IOException, GeneralSecurityException {
        if (authorities.isEmpty()) {
            return null;
        }
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        int n = 0;
        for (Path file : authorities) {
            for (Certificate certificate : certificates(file)) {
                store.setCertificateEntry("ca" + n++, certificate);
            }
        }
        return new TrustManager[] {new Either(manager(store), manager(null))};
    }

    private static Collection<? extends Certificate> certificates(Path file) throws IOException, CertificateException {
        try {
            Collection<? extends Certificate> certificates = CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(certificatesOf(Files.readAllBytes(file))));
            if (certificates.isEmpty()) {
                throw new CertificateException("there is none in it");
            }
            return certificates;
        } catch (CertificateException e) {
            throw new CertificateException(file + " is no certificate in PEM or DER: " + e.getMessage(), e);
        }
    }

    /** Without the key that may stand beside them in a PEM file. */
    private static byte[] certificatesOf(byte[] file) {
        String text = new String(file, StandardCharsets.ISO_8859_1);
        StringBuilder blocks = new StringBuilder();
        Matcher matcher = CERTIFICATE.matcher(text);
        while (matcher.find()) {
            blocks.append(matcher.group()).append('\n');
        }
        return blocks.isEmpty() ? file : blocks.toString().getBytes(StandardCharsets.ISO_8859_1);
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

    private static KeyManager @Nullable [] keys(List<Client> clients) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        char[] password = {};
        int n = 0;
        for (Client client : clients) {
            Certificate[] chain = certificates(client.certificate()).toArray(new Certificate[0]);
            store.setKeyEntry("client" + n++, privateKey(client.key()), password, chain);
        }
        if (n == 0) {
            return null;
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, password);
        return factory.getKeyManagers();
    }

    private static PrivateKey privateKey(Path file) throws IOException, GeneralSecurityException {
        String pem = Files.readString(file, StandardCharsets.ISO_8859_1);
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

    /** Takes any certificate, for any name. */
    private static final class Anybody extends X509ExtendedTrustManager {
        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {
            // as configured
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {
            // as configured
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {
            // as configured
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
            return new X509Certificate[0];
        }
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
