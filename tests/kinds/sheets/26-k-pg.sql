--
-- PostgreSQL database dump
--
SET client_encoding = 'UTF8';
COPY public.customers (name, phone) FROM stdin;
Alice Marlow	050 000 00 00
Peter Quill	050 000 00 01
Joan Harker	050 000 00 02
Samuel Pryce	050 000 00 03
Emily Stone	050 000 00 04
\.
