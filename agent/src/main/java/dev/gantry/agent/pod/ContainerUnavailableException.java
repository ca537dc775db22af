package dev.gantry.agent.pod;

/** There is no such container to read from or to execute in; the message is what the API server would answer. */
public final class ContainerUnavailableException extends Exception {
    private static final long serialVersionUID = 1L;

    private final boolean podFound;

    public ContainerUnavailableException(boolean podFound, String message) {
        super(message);
        this.podFound = podFound;
    }

    /** Whether the pod exists: then the API answers BadRequest (400), else NotFound (404). */
    public boolean podFound() {
        return podFound;
    }
}
