package dev.gantry.e2e.cri;

import dev.gantry.testing.CriO;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.support.ParameterDeclarations;

/**
 * Our runtime and, where Debian's packages are installed or the property {@code gantry.containerd} names another, containerd, and
 * CRI-O where its programs are on the PATH. Each is started once for all classes of a run.
 */
final class CriServers implements ArgumentsProvider {
    private static final ExtensionContext.Namespace HERE = ExtensionContext.Namespace.create(CriServers.class);
    private static final List<Path> CONTAINERD = List.of(
            Path.of(System.getProperty("gantry.containerd", "/usr/bin/containerd")),
            Path.of("/usr/sbin/runc"),
            Path.of("/usr/lib/cni/bridge"),
            Path.of("/usr/sbin/iptables"));

    /** A server, closed by JUnit at the end of the run. */
    private record Started(CriServer server) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            server.end();
        }
    }

    @Override
    public Stream<? extends Arguments> provideArguments(ParameterDeclarations parameters, ExtensionContext context) {
        CriServer gantry = started(context, "gantry", CriServer::gantry);
        Stream.Builder<Arguments> servers = Stream.builder();
        servers.add(Arguments.of(gantry));
        if (CONTAINERD.stream().allMatch(Files::isExecutable)) {
            servers.add(Arguments.of(started(context, "containerd", CriServer::containerd)));
        }
        if (CriO.isHere()) {
            servers.add(Arguments.of(started(context, "CRI-O", CriServer::crio)));
        }
        return servers.build();
    }

    private static CriServer started(ExtensionContext context, String name, Callable<CriServer> start) {
        return context.getRoot()
                .getStore(HERE)
                .getOrComputeIfAbsent(
                        name,
                        key -> {
                            try {
                                return new Started(start.call());
                            } catch (Exception e) {
                                throw new IllegalStateException("start " + key, e);
                            }
                        },
                        Started.class)
                .server();
    }
}
