-- MySQL dump 10.13
DROP TABLE IF EXISTS `clients`;
INSERT INTO `clients` VALUES
(0,'Alice Marlow','050 000 00 00'),
(1,'Peter Quill','050 000 00 01'),
(2,'Joan Harker','050 000 00 02'),
(3,'Samuel Pryce','050 000 00 03'),
(4,'Emily Stone','050 000 00 04');
