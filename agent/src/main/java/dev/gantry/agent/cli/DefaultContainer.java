package dev.gantry.agent.cli;

import java.io.IOException;
import java.util.List;

/** Which container is meant when none is named: as in kubectl, the first of the pod, and it is said. */
final class DefaultContainer {
    private DefaultContainer() {}

    /**
     * The container to try instead.
     *
     * @param refused the server's answer to a request without a container
     * @param pod path of the pod
     * @throws CliException the refusal itself, if it was about something else
     */
    static String instead(CliException refused, Session session, String pod) throws CliException, IOException {
        if (!String.valueOf(refused.getMessage()).contains("a container name must be specified")) {
            throw refused;
        }
        List<String> names;
        try (ApiResponse response = session.client().get(pod)) {
            names = response.json().items("spec", "containers").stream()
                    .map(container -> container.text("name"))
                    .toList();
        }
        if (names.isEmpty()) {
            throw refused;
        }
        session.console()
                .err()
                .println("Defaulted container \"" + names.get(0) + "\" out of: " + String.join(", ", names));
        return names.get(0);
    }
}
