package dev.gantry.agent.event;

/** The pod that an event is about. */
public record PodReference(String namespace, String name, String uid) {}
