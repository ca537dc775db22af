package dev.gantry.netns;

import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A process that connects and disconnects pods, from several threads, until it is killed. */
final class KilledAgent {
    private static final int THREADS = 3;
    private static final int PORT = 10_000;

    private KilledAgent() {}

    public static void main(String[] arguments) throws Exception {
        PodNetwork network = PodNetwork.open(
                Linux.system(),
                new PodNetworkConfig(
                        Path.of(arguments[0]), new NetworkNames(""), PodNetworkConfig.parsePodCidrs(arguments[1])));
        network.recover(Set.of());
        for (int i = 0; i < THREADS; i++) {
            int number = i;
            new Thread(() -> live(network, number)).start();
        }
    }

    private static void live(PodNetwork network, int number) {
        PortMapping port = new PortMapping(PortProtocol.TCP, Optional.empty(), PORT + number, 80);
        try {
            for (int round = 0; ; round++) {
                String id = "pod-" + number + "-" + round;
                Fd namespace = TestNamespace.empty();
                network.add(new PodNetworkRequest(id, "default", id, "uid", namespace, List.of(port)));
                System.out.println("added " + id);
                if (round % 3 == 0) {
                    // its namespace dies first, as when a pod crashes
                    namespace.close();
                }
                network.remove(id);
                namespace.close();
            }
        } catch (Exception e) {
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }
}
