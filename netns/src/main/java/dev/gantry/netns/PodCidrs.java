package dev.gantry.netns;

import dev.gantry.linux.netlink.IpPrefix;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Predicate;

/** Finds a network for the pods where the operator named none: 10.86.0.0/22 or one of its 63 neighbours. */
final class PodCidrs {
    private static final int CANDIDATES = 64;
    private static final String FILE = "pod-cidr";

    private PodCidrs() {}

    /**
     * The network chosen at the last start if pods have addresses of it or it is still free, else a free one.
     *
     * @throws NetworkException if none is free
     */
    static PodSubnet choose(Path stateDirectory, NetworkNames names, HostInterfaces host) throws IOException {
        int own = host.link(names.bridge()).map(link -> link.index()).orElse(-1);
        Path file = stateDirectory.resolve(FILE);
        Optional<PodSubnet> last = read(file);
        Predicate<PodSubnet> isFree =
                subnet -> host.conflict(subnet.network(), own, false).isEmpty();
        if (last.filter(isFree).isPresent()) {
            return last.get();
        }
        PodSubnet chosen = choose(
                        names,
                        subnet -> host.conflict(subnet.network(), own, true).isEmpty())
                .or(() -> choose(names, isFree))
                .orElseThrow(() -> new NetworkException("no network for pods: every part of 10.86.0.0/16 has a route on"
                        + " this host already; name a free network with --pod-cidr"));
        Files.createDirectories(stateDirectory);
        Files.writeString(file, chosen + "\n");
        return chosen;
    }

    private static Optional<PodSubnet> read(Path file) throws IOException {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(new PodSubnet(IpPrefix.parse(
                    Files.readString(file, StandardCharsets.UTF_8).strip())));
        } catch (IllegalArgumentException e) {
            // cut short by a crash; choose again
            return Optional.empty();
        }
    }

    private static Optional<PodSubnet> choose(NetworkNames names, Predicate<PodSubnet> isFree) {
        // agents beside the usual one begin elsewhere, so that they seldom meet
        int first =
                names.suffix().isEmpty() ? 0 : Integer.parseInt(names.suffix().substring(0, 4), 16) % CANDIDATES;
        for (int i = 0; i < CANDIDATES; i++) {
            int third = (first + i) % CANDIDATES * 4;
            PodSubnet candidate = new PodSubnet(IpPrefix.parse("10.86." + third + ".0/22"));
            if (isFree.test(candidate)) {
                return Optional.of(candidate);
            }
        }
        return Optional.empty();
    }
}
