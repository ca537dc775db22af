package dev.gantry.images.registry;

import dev.gantry.images.Digest;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Platform;
import dev.gantry.images.Quoted;
import dev.gantry.images.http.HttpRequest;
import dev.gantry.images.http.HttpResponse;
import dev.gantry.images.oci.ConfigFile;
import dev.gantry.images.oci.Descriptor;
import dev.gantry.images.oci.Document;
import dev.gantry.images.oci.MediaType;
import dev.gantry.images.registry.RegistryHost.Capability;
import dev.gantry.images.source.ImageFetcher;
import dev.gantry.images.source.ImageSource;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One image's way from its name to its config and layers. */
final class Resolution {
    private final HostChain hosts;
    private final ImageReference reference;
    private final Platform platform;
    private final ImageFetcher.Known known;
    private final List<byte[]> documents = new ArrayList<>();

    Resolution(HostChain hosts, ImageReference reference, Platform platform, ImageFetcher.Known known) {
        this.hosts = hosts;
        this.reference = reference;
        this.platform = platform;
        this.known = known;
    }

    /** A manifest or index, as it is and understood. */
    private static final class Fetched {
        private final Digest digest;
        private final byte[] text;
        private final Document document;

        Fetched(Digest digest, byte[] text, String mediaType) throws ImageException {
            this.digest = digest;
            this.text = text;
            this.document = Document.parse(text, mediaType, digest);
        }
    }

    ImageSource resolve() throws ImageException, InterruptedException {
        // what a digest stands for may be asked of anybody
        Capability needed = reference.digest().isPresent() ? Capability.PULL : Capability.RESOLVE;
        Fetched top = hosts.ask(needed, this::top);
        Document.Manifest manifest = manifest(top, 0);
        documents.add(config(manifest.config()));
        List<ImageSource.Layer> layers = new ArrayList<>();
        for (Descriptor layer : manifest.layers()) {
            layers.add(new ImageSource.Layer(
                    "pull " + reference + ": layer " + layer.digest(),
                    layer.digest(),
                    layer.size(),
                    () -> new HostsBlob(hosts, layer.digest(), layer.size())));
        }
        return new ImageSource(
                "pull " + reference,
                documents,
                Optional.of(top.digest),
                manifest.config().digest(),
                layers,
                List.of(reference));
    }

    /** What the name stands for now. If that is known already, a HEAD is enough: some registries count GETs. */
    private Fetched top(RegistryClient client) throws ImageException, InterruptedException {
        Optional<Digest> expected = reference.digest().isPresent() ? reference.digest() : known.target(reference);
        Optional<byte[]> there = expected.flatMap(known::document);
        if (expected.isPresent() && there.isPresent()) {
            HttpRequest head = client.request("HEAD", "manifests/" + reference.target())
                    .with("Accept", MediaType.ACCEPTED_MANIFESTS);
            try (HttpResponse response = client.send(head)) {
                String digest = response.header("docker-content-digest").orElse("");
                if (digest.equals(expected.get().toString())
                        || reference.digest().isPresent()) {
                    return new Fetched(expected.get(), there.get(), "");
                }
            } catch (ImageException e) {
                if (e.code() == Code.UNAUTHORIZED || e.code() == Code.CANCELLED) {
                    throw e;
                }
                // not every registry knows HEAD: the GET decides
            } catch (IOException e) {
                throw client.failed(head, e);
            }
        }
        return manifest(client, reference.target(), reference.digest(), "", Document.LARGEST);
    }

    private static Fetched manifest(
            RegistryClient client, String target, Optional<Digest> digest, String mediaType, int most)
            throws ImageException, InterruptedException {
        HttpRequest get = client.request("GET", "manifests/" + target)
                .with("Accept", mediaType.isEmpty() ? MediaType.ACCEPTED_MANIFESTS : mediaType);
        try (HttpResponse response = client.send(get)) {
            byte[] text = response.readBody(most);
            Digest found = Digest.of(digest.map(Digest::algorithm).orElse(Digest.SHA256), text);
            if (digest.isPresent() && !found.equals(digest.get())) {
                throw new ImageException(
                        Code.DIGEST_MISMATCH,
                        "manifest " + digest.get() + ": " + client.name() + " sent one with the digest " + found
                                + "; it is damaged there or on the way");
            }
            String type = mediaType.isEmpty()
                    ? MediaType.ofHeader(response.header("content-type").orElse(""))
                    : mediaType;
            return new Fetched(found, text, type);
        } catch (ImageException e) {
            throw e;
        } catch (IOException e) {
            throw client.failed(get, e);
        }
    }

    private Document.Manifest manifest(Fetched fetched, int depth) throws ImageException, InterruptedException {
        documents.add(fetched.text);
        if (fetched.document instanceof Document.Manifest manifest) {
            return manifest;
        }
        Document.Index index = (Document.Index) fetched.document;
        if (depth >= Document.DEEPEST_INDEX) {
            throw new ImageException(Code.INVALID_IMAGE, "indexes nested deeper than " + Document.DEEPEST_INDEX);
        }
        List<Descriptor> candidates = index.candidates(platform);
        if (candidates.isEmpty()) {
            throw new ImageException(
                    Code.UNSUPPORTED,
                    "no image for " + platform + " in it; it is for " + Quoted.cut(index.platforms()));
        }
        Descriptor chosen = candidates.get(0);
        Optional<byte[]> there = known.document(chosen.digest());
        if (there.isPresent()) {
            return manifest(new Fetched(chosen.digest(), there.get(), chosen.mediaType()), depth + 1);
        }
        if (chosen.size() > Document.LARGEST) {
            throw new ImageException(
                    Code.INVALID_IMAGE,
                    "manifest " + chosen.digest() + " has " + chosen.size() + " bytes, the limit is "
                            + Document.LARGEST);
        }
        String target = chosen.digest().toString();
        Fetched next = hosts.ask(
                Capability.PULL,
                client -> manifest(
                        client, target, Optional.of(chosen.digest()), chosen.mediaType(), (int) chosen.size()));
        return manifest(next, depth + 1);
    }

    private byte[] config(Descriptor descriptor) throws ImageException, InterruptedException {
        Optional<byte[]> there = known.document(descriptor.digest());
        if (there.isPresent()) {
            return there.get();
        }
        if (descriptor.size() > ConfigFile.LARGEST) {
            throw new ImageException(
                    Code.INVALID_IMAGE,
                    "config " + descriptor.digest() + " has " + descriptor.size() + " bytes, the limit is "
                            + ConfigFile.LARGEST);
        }
        byte[] text;
        try (InputStream stream = new HostsBlob(hosts, descriptor.digest(), descriptor.size())) {
            text = stream.readNBytes((int) descriptor.size() + 1);
        } catch (ImageException e) {
            throw e;
        } catch (InterruptedIOException e) {
            throw new InterruptedException();
        } catch (IOException e) {
            throw new ImageException(Code.REGISTRY_ERROR, "config " + descriptor.digest() + ": " + e.getMessage(), e);
        }
        Digest found = Digest.of(descriptor.digest().algorithm(), text);
        if (text.length != descriptor.size() || !found.equals(descriptor.digest())) {
            throw new ImageException(
                    Code.DIGEST_MISMATCH,
                    "config " + descriptor.digest() + ": the registry sent " + text.length + " bytes with the digest "
                            + found);
        }
        return text;
    }
}
