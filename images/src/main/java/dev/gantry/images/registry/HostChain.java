package dev.gantry.images.registry;

import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.registry.RegistryHost.Capability;
import java.util.ArrayList;
import java.util.List;

/**
 * The hosts of one pull in the order in which they are asked: mirrors, and at last the registry. One that cannot be reached or
 * takes no credentials is not asked again during this pull, the last one excepted.
 */
final class HostChain {
    private final String registry;
    private final List<HostLink> links;

    /** At least one host; the last one is the registry. */
    HostChain(String registry, List<HostLink> links) {
        this.registry = registry;
        this.links = List.copyOf(links);
    }

    /**
     * Asks one host after the other until one has an answer.
     *
     * @throws ImageException with what each of them said, and the code of the last one
     */
    <T> T ask(Capability capability, HostLink.Question<T> question) throws ImageException, InterruptedException {
        Failures failures = new Failures();
        for (HostLink link : able(capability, failures)) {
            try {
                return link.ask(question);
            } catch (ImageException e) {
                failures.add(link, e);
            }
        }
        throw failures.all();
    }

    /** Those to be asked; why others are not is noted. */
    List<HostLink> able(Capability capability, Failures failures) throws ImageException {
        List<HostLink> able = new ArrayList<>();
        boolean any = false;
        for (HostLink link : links) {
            if (link.host().capabilities().contains(capability)) {
                any = true;
                ImageException before = link.givenUp();
                if (before == null) {
                    able.add(link);
                } else {
                    failures.messages.add(before.getMessage());
                }
            }
        }
        if (!any) {
            String word = capability == Capability.PULL ? "pull" : "resolve";
            throw new ImageException(
                    Code.REGISTRY_ERROR,
                    "no host of registry " + registry + " has the capability \"" + word + "\" in "
                            + links.get(0).host().file().map(Object::toString).orElse("its configuration")
                            + (capability == Capability.RESOLVE
                                    ? ": give it to one, or name the image by its digest"
                                    : ": give it to one"));
        }
        return able;
    }

    /** What hosts said that were asked in vain. */
    final class Failures {
        private final List<String> messages = new ArrayList<>();
        private ImageException last = new ImageException(Code.REGISTRY_ERROR, "no host was asked");

        /** Throws it if nobody is to be asked any more. */
        void add(HostLink link, ImageException failure) throws ImageException {
            if (failure.code() == Code.CANCELLED) {
                throw failure;
            }
            boolean isLast = link == links.get(links.size() - 1);
            if (!isLast && (failure.code() == Code.UNAVAILABLE || failure.code() == Code.UNAUTHORIZED)) {
                link.giveUp(failure);
            }
            messages.add(failure.getMessage());
            last = failure;
        }

        /** One error for all of them. */
        ImageException all() {
            List<String> told = messages.stream().distinct().toList();
            return told.size() < 2 ? last : new ImageException(last.code(), String.join("; ", told), last);
        }
    }
}
