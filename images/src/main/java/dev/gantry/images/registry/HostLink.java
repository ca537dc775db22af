package dev.gantry.images.registry;

import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One host of a pull, with the credentials that may do; those that did once are used from then on. */
final class HostLink {
    private final RegistryHost host;
    private final Opener opener;
    private @Nullable List<RegistryClient> clients;
    private int chosen;
    private @Nullable ImageException givenUp;

    /** Finds out where the host is and which credentials there are for it: one client for each, at least one. */
    @FunctionalInterface
    interface Opener {
        List<RegistryClient> open() throws ImageException, InterruptedException;
    }

    /** What a host is asked. */
    @FunctionalInterface
    interface Question<T> {
        T ask(RegistryClient client) throws ImageException, InterruptedException;
    }

    HostLink(RegistryHost host, Opener opener) {
        this.host = host;
        this.opener = opener;
    }

    RegistryHost host() {
        return host;
    }

    /** Asks with each of the credentials until some are not refused; fails as the first of them if all are. */
    <T> T ask(Question<T> question) throws ImageException, InterruptedException {
        List<RegistryClient> all = clients();
        ImageException refused = null;
        for (int i = chosen(); i < all.size(); i++) {
            try {
                T answer = question.ask(all.get(i));
                choose(i);
                return answer;
            } catch (ImageException e) {
                if (e.code() != Code.UNAUTHORIZED) {
                    throw e;
                }
                refused = refused == null ? e : refused;
            }
        }
        throw java.util.Objects.requireNonNull(refused);
    }

    /** With the credentials that did last. */
    RegistryClient client() throws ImageException, InterruptedException {
        return clients().get(chosen());
    }

    private synchronized int chosen() {
        return chosen;
    }

    private synchronized void choose(int i) {
        chosen = Math.max(chosen, i);
    }

    private synchronized List<RegistryClient> clients() throws ImageException, InterruptedException {
        List<RegistryClient> open = clients;
        if (open == null) {
            open = opener.open();
            clients = open;
        }
        return open;
    }

    /** The rest of the pull does without it. */
    synchronized void giveUp(ImageException reason) {
        givenUp = reason;
    }

    /** Why it was given up; null if it was not. */
    synchronized @Nullable ImageException givenUp() {
        return givenUp;
    }
}
